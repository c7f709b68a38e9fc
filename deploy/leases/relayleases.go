// Package relayleases: call a provider yourself, within the limits that Relay keeps. docs/leases.md has the rules.
//
//	pool := relayleases.Pool{URL: "http://localhost:8787", Key: os.Getenv("RELAY_API_KEY"), MaxWait: time.Minute}
//	err := pool.Lease(ctx, relayleases.Ask{"model": "claude-sonnet-5-5", "input_tokens": 1200}, func(l *relayleases.Lease) error {
//		l.Sent.Add(1)                                // an error before this gives all back, one after it is charged
//		answer, err := send(secrets[l.Key], l.Model) // the key's secret is in your own store
//		l.Usage(answer.Input, answer.Output, answer.CacheRead, answer.CacheWritten, 1)
//		return err
//	})
package relayleases // one file, no dependency, Go 1.24 or later

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"sync/atomic"
	"time"
)

type Ask map[string]any
type Pool struct {
	URL, Key string
	MaxWait  time.Duration // for room
}
type Refused struct { // by Relay; status 0: it did not answer. Wait is negative if no time was told
	Status  int
	Message string
	Wait    time.Duration
}
type Lease struct { // Relay's answer. Sent: add 1 right before a request goes out. Progress: all output so far
	Lease, Provider, Key, Account, Model, Class string
	Requests                                    int64
	Reserved                                    map[string]int64
	TTL                                         time.Duration `json:"ttl_ms"` // in milliseconds
	Sent, Progress                              atomic.Int64  `json:"-"`
	Lost, over                                  atomic.Bool   `json:"-"` // Lost: no renewal came within the ttl
	used                                        [5]atomic.Int64
	pool                                        Pool
	stop                                        context.CancelFunc
}

func (r *Refused) Error() string { return fmt.Sprintf("relay: %d %s", r.Status, r.Message) }

// Lease runs work in a lease, which is renewed meanwhile and always ended; an error or a panic of work passes on.
func (p Pool) Lease(ctx context.Context, ask Ask, work func(*Lease) error) (err error) {
	body, l, failed := Ask{"idempotency_key": rand.Text()}, &Lease{pool: p}, true
	maps.Copy(body, ask)
	if refused := p.call(ctx, "POST", "", body, l, p.MaxWait); refused != nil {
		return refused
	}
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	go l.renew(ctx)
	defer func() { l.Close(failed) }()
	err = work(l)
	failed = err != nil
	return err
}

// Waits as told; asks again if no answer came, or a balancer's 5xx.
func (p Pool) call(ctx context.Context, method, path string, body Ask, into any, most time.Duration) *Refused {
	for end, back := time.Now().Add(most), 250*time.Millisecond; ; back = min(2*back, 5*time.Second) {
		refused := p.once(ctx, method, path, body, into, back)
		if refused == nil || refused.Wait < 0 || time.Now().Add(refused.Wait).After(end) || ctx.Err() != nil {
			return refused
		}
		select {
		case <-ctx.Done():
		case <-time.After(refused.Wait):
		}
	}
}
func (p Pool) once(ctx context.Context, method, path string, body Ask, into any, back time.Duration) *Refused {
	wait, _ := body["wait_ms"].(int)
	data, _ := json.Marshal(body)
	request, err := http.NewRequestWithContext(ctx, method, p.URL+"/v1/relay/leases"+path, bytes.NewReader(data))
	if err != nil {
		return &Refused{0, err.Error(), -1}
	}
	request.Header = http.Header{"Authorization": {"Bearer " + p.Key}, "Content-Type": {"application/json"}}
	answer, err := (&http.Client{Timeout: 10*time.Second + time.Duration(wait)*time.Millisecond}).Do(request)
	if err != nil {
		return &Refused{0, err.Error(), back}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode < 300 && into != nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil || answer.StatusCode >= 500 && answer.Header.Get("x-should-retry") != "false" {
		wait = int(back.Milliseconds())
	} else if answer.StatusCode < 300 {
		return nil
	} else {
		wait = -1
	}
	if seconds := -1; answer.Header.Get("retry-after-ms") != "" {
		fmt.Sscan(answer.Header.Get("retry-after-ms"), &wait)
	} else if _, err := fmt.Sscan(answer.Header.Get("retry-after"), &seconds); err == nil {
		wait = 1000 * seconds
	}
	return &Refused{answer.StatusCode, string(text), time.Duration(wait) * time.Millisecond}
}

// Usage adds what requests used. Input tokens are all, with those of the cache.
func (l *Lease) Usage(input, output, cacheRead, cacheWrite, requests int64) {
	for i, n := range []int64{input, output, cacheRead, cacheWrite, requests} {
		l.used[i].Add(n)
	}
}

// Observed: the headers of a good answer, to learn limits from. Refused: the provider's refusal, for all replicas; it
// ends the lease. Cancel: nothing was sent, all is given back.
func (l *Lease) Observed(header http.Header) {
	l.try("POST", "/observed", Ask{"headers": plain(header)}, 0)
}
func (l *Lease) Refused(status int, header http.Header, body string) {
	l.end("POST", "/refused", Ask{"status": status, "headers": plain(header), "body": body[:min(len(body), 16384)]})
}
func (l *Lease) Cancel() { l.end("DELETE", "", nil) }

// Close settles the usage; a request that was sent and has none counts its part of what was reserved.
func (l *Lease) Close(failed bool) {
	made, known, used := l.Progress.Load(), l.used[4].Load(), [4]int64{}
	for i := range used {
		used[i] = l.used[i].Load()
	}
	sent := max(l.Sent.Load(), known, min(made, 1))
	if sent == 0 && failed {
		l.Cancel()
	} else if sent == 0 {
		sent = l.Requests
	}
	if unknown := sent - known; unknown > 0 {
		used[0] += (l.Reserved["input_tokens"]*unknown + l.Requests - 1) / l.Requests
		if !failed {
			used[1] += (l.Reserved["output_tokens"]*unknown + l.Requests - 1) / l.Requests
		}
		used[1] = max(used[1], made)
	}
	l.end("POST", "/settle", Ask{"input_tokens": used[0], "output_tokens": used[1], "cache_read_tokens": used[2],
		"cache_write_tokens": used[3], "requests": sent})
}
func (l *Lease) end(method, path string, body Ask) {
	if !l.over.Swap(true) {
		l.stop()
		l.try(method, path, body, 10*time.Second)
	}
}
func (l *Lease) try(method, path string, body Ask, most time.Duration) bool {
	refused := l.pool.call(context.Background(), method, "/"+l.Lease+path, body, nil, most)
	if refused != nil { // a failure of Relay is none of the work's
		log.Printf("lease at %s, %s%s: %v", l.Key, method, path, refused)
	}
	return refused == nil || refused.Status != 404
}
func (l *Lease) renew(ctx context.Context) {
	for every := l.TTL * time.Millisecond / 3; !l.Lost.Load(); {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
			l.Lost.Store(!l.try("POST", "/progress", Ask{"output_tokens": l.Progress.Load()}, 0))
		}
	}
}
func plain(header http.Header) map[string]string {
	headers := map[string]string{}
	for name := range header {
		headers[name] = header.Get(name)
	}
	return headers
}
