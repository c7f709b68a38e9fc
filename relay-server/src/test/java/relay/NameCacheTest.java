package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.security.Security;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NameCacheTest {

  @ParameterizedTest
  @CsvSource({"-1,30", "3600,30", "forever,30", "30,30", "5,5", "0,0"})
  void addresses_are_kept_for_half_a_minute_at_most(String stated, String holds) {
    String before = Security.getProperty(NameCache.PROPERTY);
    try {
      Security.setProperty(NameCache.PROPERTY, stated);
      NameCache.bound();
      assertEquals(holds, Security.getProperty(NameCache.PROPERTY));
    } finally {
      Security.setProperty(NameCache.PROPERTY, before == null ? "30" : before);
    }
  }
}
