package relay.redis.link;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.RedisServers;

/** The user and the password of the moment: a password file may change at any time. */
final class Logins {
  private static final Logger log = LoggerFactory.getLogger(Logins.class);
  private static final int MAX_BYTES = 64 * 1024;

  private final RedisServers.Login stated;
  private volatile RedisServers.Login last;
  private boolean unreadable; // and logged; guarded by this

  Logins(RedisServers.Login stated) {
    this.stated = stated;
    last = stated;
  }

  /** Reads the password file, if there is one. While it cannot be read, its last text holds. */
  synchronized RedisServers.Login now() {
    Path file = stated.passwordFile();
    if (file == null) {
      return stated;
    }
    try (InputStream in = Files.newInputStream(file)) {
      String password =
          new String(in.readNBytes(MAX_BYTES), StandardCharsets.UTF_8).stripTrailing();
      unreadable = false;
      if (!password.equals(last.password())) {
        last = new RedisServers.Login(stated.user(), password, file);
      }
    } catch (IOException e) {
      if (!unreadable) {
        log.warn("redis.password_file {} cannot be read: {}", file, e.toString());
      }
      unreadable = true;
    }
    return last;
  }

  /** Whether the password may change. */
  boolean mayChange() {
    return stated.passwordFile() != null;
  }
}
