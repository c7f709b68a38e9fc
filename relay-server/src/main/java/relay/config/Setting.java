package relay.config;

import java.util.function.Function;

/**
 * A setting with a default, as its section's form declares it: by it the section reads, and the
 * schema and the documentation tell the same.
 */
record Setting<T>(String name, Function<Section, T> reader) {
  /** Its value in a section of the file; the default if it is absent or, with a fault, if wrong. */
  T in(Section section) {
    return reader.apply(section);
  }
}
