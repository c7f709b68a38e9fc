package relay.redis.mutation;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Loads the engine and its tests again, with a fault in the scripts. So the shipped code needs no
 * hook for it.
 */
final class MutantLoader extends ClassLoader {
  /** The library's text, as assembled by the build. */
  static final String LIBRARY = "relay/redis/library.lua";

  private static final String PACKAGE = "relay.redis.";

  private final @Nullable Mutation mutation;

  /**
   * @param mutation null for none
   */
  MutantLoader(@Nullable Mutation mutation) {
    super(MutantLoader.class.getClassLoader());
    this.mutation = mutation;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(PACKAGE)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      return known != null ? known : define(name);
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] code = in.readAllBytes();
      return defineClass(name, code, 0, code.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public @Nullable InputStream getResourceAsStream(String name) {
    if (mutation != null && name.equals(LIBRARY)) {
      return new ByteArrayInputStream(mutation.library().getBytes(StandardCharsets.UTF_8));
    }
    return super.getResourceAsStream(name);
  }
}
