package relay.reach;

import java.lang.reflect.Field;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds private parts of libraries. Each has a name. */
final class Parts {
  /** A system property: names of parts not to use, with commas between them, or * for all. */
  static final String OFF = "relay.reach_off";

  private static final Logger log = LoggerFactory.getLogger(Parts.class);

  private Parts() {}

  /** Looks a part up. */
  @FunctionalInterface
  interface Finder<T> {
    /** Throws if this version of the library has no such part. */
    T find() throws ReflectiveOperationException;
  }

  /**
   * Finds a part, or warns and returns null: its user then does without. To be called once, by a
   * static initialiser.
   *
   * @param without what is different then
   */
  static <T> @Nullable T find(String name, String without, Finder<T> finder) {
    String why = "turned off by " + OFF;
    List<String> off = List.of(System.getProperty(OFF, "").split(",", -1));
    if (!off.contains(name) && !off.contains("*")) {
      try {
        return finder.find();
      } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
        why = e.toString();
      }
    }
    log.warn("{} ({}: {})", without, name, why);
    return null;
  }

  /** A field of a class that need not be visible here, with exactly this type. */
  static Field field(String owner, String name, Class<?> type) throws ReflectiveOperationException {
    Field field = Class.forName(owner, true, Parts.class.getClassLoader()).getDeclaredField(name);
    if (field.getType() != type) {
      throw new NoSuchFieldException(field + " is no " + type.getName());
    }
    field.setAccessible(true);
    return field;
  }

  /** The value of a field that was found. */
  static @Nullable Object get(Field field, Object owner) {
    try {
      return field.get(owner);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
