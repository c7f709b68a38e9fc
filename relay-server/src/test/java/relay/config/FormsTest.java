package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values with their own syntax: patterns, addresses, Redis URLs, hashes. */
final class FormsTest {

  @ParameterizedTest
  @CsvSource({
    "claude-opus-*, claude-opus-4-6, true",
    "claude-opus-*, claude-opus-, true",
    "claude-opus-*, claude-opus, false",
    "claude-opus-*, my-claude-opus-4, false",
    "*, anything, true",
    "*-mini, gpt-5-mini, true",
    "*-mini, gpt-5-mini-2, false",
    "a*b*c, a1b2c, true",
    "a*b*c, abcbc, true",
    "a*b*c, acb, false",
    "gpt-5, gpt-5, true",
    "gpt.5, gpt-5, false",
    "gpt-?, gpt-5, false",
    "**, x, true",
  })
  void a_star_matches_any_sequence_of_characters(String pattern, String model, boolean matches) {
    assertEquals(matches, new ModelPattern(pattern).matches(model));
  }

  @ParameterizedTest
  @CsvSource({
    "drain_ms, 30s, 30000",
    "drain_ms, 0s, 0",
    "drain_ms, 1500ms, 1500",
    "window_ms, 1d, 86400000",
    "drain_ms, 30, 30",
    "drain_ms, 30S, 30S",
    "drain_ms, 1m30s, 1m30s",
    "drain_ms, 9999999999s, 9999999999s",
    "max_body_bytes, 32MiB, 33554432",
    "max_body_bytes, 1KiB, 1024",
    "max_body_bytes, 999999999GiB, 1073741822926258176",
    "max_body_bytes, 32MB, 32MB",
    "max_body_bytes, 30s, 30s",
  })
  void a_time_or_a_size_may_have_a_unit(String setting, String text, String plain) {
    Units units = Units.of(setting);
    assertNotNull(units);
    assertEquals(plain, units.plain(text));
  }

  @Test
  void other_settings_have_no_unit() {
    assertNull(Units.of("max_concurrent"));
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:8787, true",
    "127.9.9.9:1, true",
    "localhost:0, true",
    "[::1]:65535, true",
    "[::ffff:127.0.0.1]:1, true",
    "0.0.0.0:1, false",
    "[::]:1, false",
    "10.0.0.1:1, false",
    "localhost.example.com:1, false",
    "127.0.0.1.example.com:1, false",
  })
  void only_local_addresses_are_loopback(String text, boolean loopback) {
    ListenAddress address = ListenAddress.parse(text);
    assertNotNull(address, text);
    assertEquals(loopback, address.isLoopback());
    assertEquals(text, address.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        "8787",
        ":8787",
        "*:8787",
        "host:",
        "host:x",
        "host:-1",
        "host:99999",
        "host:123456",
        "::1:80",
        "[::1]",
        "[::1",
        "[host]:80",
        "[127.0.0.1]:80",
        "127.1:80",
        "1.2.3:80",
        "1.2.3.4.5:80",
        "1.2.3.256:80",
        "a b:80",
        "http://host:80",
        "host:80/x",
        "[fe80::1%eth0]:80",
        "a..b:80"
      })
  void malformed_addresses_are_rejected(String text) {
    assertNull(ListenAddress.parse(text));
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "redis://h, false, h, 6379, 0, -, -",
        "rediss://h:1/2, true, h, 1, 2, -, -",
        "redis://:p@h, false, h, 6379, 0, -, p",
        "redis://p@h, false, h, 6379, 0, -, p",
        "redis://u:p@h/, false, h, 6379, 0, u, p",
        "redis://u:p%40%2B+x@10.0.0.1, false, 10.0.0.1, 6379, 0, u, p@++x",
        "redis://u:p@q:r/s@h, false, h, 6379, 0, u, p@q:r/s",
        "redis://[::1]:7, false, ::1, 7, 0, -, -",
      })
  void a_redis_url_is_parsed(
      String text, boolean tls, String host, int port, int database, String user, String password) {
    assertEquals(
        new RedisUrl(
            tls,
            List.of(new RedisUrl.Server(host, port)),
            null,
            database,
            user,
            password == null ? null : new Secret(password)),
        RedisUrl.parse(text));
  }

  @Test
  void sentinels_and_seeds_are_parsed() {
    assertEquals(
        new RedisUrl(
            false,
            List.of(new RedisUrl.Server("s1", 26_379), new RedisUrl.Server("::1", 7)),
            "main",
            2,
            "u",
            new Secret("p")),
        RedisUrl.parse("redis-sentinel://u:p@s1,[::1]:7/2#main"));
    RedisUrl seeds = RedisUrl.parse("rediss://a:1,b");
    assertEquals("a:1,b:6379", seeds == null ? "" : seeds.addresses());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "redis",
        "redis://",
        "redis:///0",
        "http://h",
        "redis://h:0",
        "redis://h:65536",
        "redis://h/x",
        "redis://h/1/2",
        "redis://h?x=1",
        "redis://a,,b",
        "redis://h#main",
        "redis-sentinel://h",
        "redis-sentinel://h#",
        "redis://[h]",
        "redis://h h",
        "redis://256.1.1.1"
      })
  void malformed_redis_urls_are_rejected(String text) {
    assertNull(RedisUrl.parse(text));
  }

  @Test
  void a_hash_compares_by_bytes_and_prints_its_first_digits() {
    KeyHash hash =
        KeyHash.ofHex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
    assertEquals(KeyHash.of("abc"), hash);
    assertEquals(KeyHash.of("abc").hashCode(), hash.hashCode());
    assertNotEquals(KeyHash.of("abd"), hash);
    assertEquals("ba7816bf", hash.toString());
    assertThrows(IllegalArgumentException.class, () -> KeyHash.ofHex("ba78"));
  }

  @Test
  void equal_secrets_are_equal_and_print_as_stars() {
    assertEquals(new Secret("abc"), new Secret("abc"));
    assertNotEquals(new Secret("abc"), new Secret("abd"));
    assertEquals("***", new Secret("abc").toString());
  }

  @ParameterizedTest
  @CsvSource({
    "rpm_limt, rpm_limit",
    "rpmlimit, rpm_limit",
    "base-url, base_url",
    "Key, key",
    "kye, key"
  })
  void a_typo_gets_a_suggestion(String typed, String meant) {
    assertEquals(
        meant, FaultWording.closest(typed, List.of("rpm_limit", "base_url", "key", "weight")));
  }
}
