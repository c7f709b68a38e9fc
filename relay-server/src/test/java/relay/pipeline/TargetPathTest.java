package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TargetPathTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/files",
        "/v1/files/a.b..c/...?x=../..&y=\\",
        "/v1//a/%2F%5C",
        "/v1/a;v=1/.well-known",
        "/v1/models/acme%2Fmodel..2"
      })
  void an_unambiguous_path_is_plain(String target) {
    assertTrue(TargetPath.isPlain(target));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/..",
        "/v1/../x",
        "/v1/.",
        "/v1/./x",
        "/v1/%2e%2E/x",
        "/v1/.%2e?a",
        "/v1/..%2Fx",
        "/v1/a%5c%2e%2e%5cx",
        "/v1/..;a=1/x",
        "/v1/a\\b",
        "/v1/a#b"
      })
  void an_ambiguous_path_is_not_plain(String target) {
    assertFalse(TargetPath.isPlain(target));
  }
}
