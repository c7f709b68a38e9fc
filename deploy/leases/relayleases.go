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
	"cmp"
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
type Refused struct { // by Relay. Status 0: it did not answer. Wait: until a retry, negative if that is hopeless
	error
	Status int
	Wait   time.Duration
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
}

// Lease runs work in a lease, which is renewed meanwhile and always ended; an error or a panic of work passes on.
func (p Pool) Lease(ctx context.Context, ask Ask, work func(*Lease) error) error {
	l, body, failed := &Lease{pool: p}, Ask{"idempotency_key": rand.Text()}, true
	maps.Copy(body, ask)
	if refused := p.call(ctx, "POST", "", body, l, p.MaxWait); refused != nil {
		return refused
	}
	time.AfterFunc(l.TTL*time.Millisecond/3, l.renew)
	defer func() { l.close(failed) }()
	err := work(l)
	failed = err != nil
	return err
}

// Waits as told; asks again if no answer came, or a balancer's 5xx.
func (p Pool) call(ctx context.Context, method, path string, body Ask, into any, most time.Duration) *Refused {
	for end, back := time.Now().Add(most), 250*time.Millisecond; ; back = min(2*back, 5*time.Second) {
		refused := p.once(ctx, method, path, body, into, back)
		if refused == nil || refused.Wait < 0 || time.Now().Add(refused.Wait).After(end) {
			return refused
		}
		select {
		case <-ctx.Done():
			return refused
		case <-time.After(refused.Wait):
		}
	}
}
func (p Pool) once(ctx context.Context, method, path string, body Ask, into any, wait time.Duration) *Refused {
	more, _ := body["wait_ms"].(int)
	data, _ := json.Marshal(body)
	request, err := http.NewRequestWithContext(ctx, method, p.URL+"/v1/relay/leases"+path, bytes.NewReader(data))
	if err != nil {
		return &Refused{err, 0, -1}
	}
	request.Header = http.Header{"Authorization": {"Bearer " + p.Key}, "Content-Type": {"application/json"}}
	answer, err := (&http.Client{Timeout: 10*time.Second + time.Duration(more)*time.Millisecond}).Do(request)
	if err != nil {
		return &Refused{err, 0, wait}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode < 300 {
		err = json.Unmarshal(text, into)
		if err == nil {
			return nil
		}
	} else if err == nil && (answer.StatusCode < 500 || answer.Header.Get("x-should-retry") == "false") {
		wait = -1
	}
	for _, told := range []string{answer.Header.Get("retry-after") + "s", answer.Header.Get("retry-after-ms") + "ms"} {
		if told, err := time.ParseDuration(told); err == nil {
			wait = told
		}
	}
	return &Refused{fmt.Errorf("relay: %d %s", answer.StatusCode, text), answer.StatusCode, wait}
}

// Usage adds what requests used. Input tokens are all, with those of the cache.
func (l *Lease) Usage(input, output, cacheRead, cacheWrite, requests int64) {
	for i, n := range []int64{input, output, cacheRead, cacheWrite, requests} {
		l.used[i].Add(n)
	}
}

// Observed: the headers of a good answer, to learn limits from. Refused: the provider's refusal, for all replicas; it
// ends the lease. Cancel: nothing was sent, all is given back.
func (l *Lease) Observed(header http.Header) { l.tell("POST", "/observed", Ask{"headers": header}, 0) }
func (l *Lease) Refused(status int, header http.Header, body string) {
	told := l.total(true, 1)
	told["status"], told["headers"], told["body"] = status, header, body[:min(len(body), 16384)]
	l.end("POST", "/refused", told)
}
func (l *Lease) Cancel() { l.end("DELETE", "", nil) }

func (l *Lease) close(failed bool) {
	total := l.total(failed, 0)
	if total["requests"] == int64(0) {
		l.Cancel()
	}
	l.end("POST", "/settle", total)
}

// A request that was sent and has no usage counts its part of what was reserved; a refused one used nothing.
func (l *Lease) total(failed bool, refused int64) Ask {
	input, output, known, made := l.used[0].Load(), l.used[1].Load(), l.used[4].Load(), l.Progress.Load()
	if made <= output { // else the refused one made output
		known += refused
	}
	sent := max(l.Sent.Load(), known, min(made, 1))
	if !failed {
		sent = cmp.Or(sent, l.Requests)
	}
	if unknown := sent - known; unknown > 0 {
		input += (l.Reserved["input_tokens"]*unknown + l.Requests - 1) / l.Requests
		if !failed {
			output += (l.Reserved["output_tokens"]*unknown + l.Requests - 1) / l.Requests
		}
		output = max(output, made)
	}
	return Ask{"input_tokens": input, "output_tokens": output, "cache_read_tokens": l.used[2].Load(),
		"cache_write_tokens": l.used[3].Load(), "requests": min(sent, l.Requests)}
}
func (l *Lease) end(method, path string, body Ask) {
	if !l.over.Swap(true) {
		l.tell(method, path, body, 10*time.Second)
	}
}
func (l *Lease) renew() {
	if !l.over.Load() && l.tell("POST", "/progress", Ask{"output_tokens": l.Progress.Load()}, 0) {
		time.AfterFunc(l.TTL*time.Millisecond/3, l.renew)
	}
}
func (l *Lease) tell(method, path string, body Ask, most time.Duration) bool {
	refused := l.pool.call(context.Background(), method, "/"+l.Lease+path, body, new(any), most)
	if refused != nil { // a failure of Relay is none of the work's
		log.Printf("lease at %s, %s%s: %v", l.Key, method, path, refused)
		l.Lost.CompareAndSwap(false, path == "/progress" && refused.Status == 404)
	}
	return !l.Lost.Load()
}
