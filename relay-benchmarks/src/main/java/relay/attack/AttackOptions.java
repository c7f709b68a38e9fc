package relay.attack;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The options of a run.
 *
 * @param page the report's file; written only by a run with all parts
 * @param launcher the command that starts Relay
 * @param time how long the attacks last
 * @param parts the attacks
 * @param http2 whether the replica speaks HTTP/2 to clients
 */
record AttackOptions(Path page, Path launcher, Duration time, List<Part> parts, boolean http2) {
  private static final Duration DEFAULT = Duration.ofMinutes(15);

  /** All attacks. */
  static List<Part> all() {
    return Stream.of(
            StrangerAttacks.values(),
            MalformedAttacks.values(),
            Http2Attacks.values(),
            ClientAttacks.values(),
            StateAttacks.values())
        .flatMap(Arrays::stream)
        .map(Part.class::cast)
        .toList();
  }

  /** The name of an attack on the command line. */
  static String name(Part part) {
    return part.toString().toLowerCase(Locale.ROOT);
  }

  boolean isWhole() {
    return parts.size() == all().size() && http2;
  }

  /** Reads {@code PAGE LAUNCHER [--seconds N] [--only PART[,PART...]] [--http2 on|off]}. */
  static AttackOptions read(String... args) {
    AttackOptions options =
        new AttackOptions(Path.of(args[0]), Path.of(args[1]), DEFAULT, all(), true);
    for (int n = 2; n < args.length; n += 2) {
      String value = n + 1 < args.length ? args[n + 1] : "";
      if (args[n].equals("--seconds") && value.matches("[1-9][0-9]{0,4}")) {
        Duration time = Duration.ofSeconds(Long.parseLong(value));
        options =
            new AttackOptions(options.page, options.launcher, time, options.parts, options.http2);
      } else if (args[n].equals("--only")) {
        options =
            new AttackOptions(
                options.page, options.launcher, options.time, parts(value), options.http2);
      } else if (args[n].equals("--http2") && value.matches("on|off")) {
        options =
            new AttackOptions(
                options.page, options.launcher, options.time, options.parts, value.equals("on"));
      } else {
        throw new IllegalArgumentException(
            args[n]
                + "? options: --seconds N, --http2 on|off, --only PART[,PART...] of "
                + names());
      }
    }
    return options;
  }

  private static List<String> names() {
    return all().stream().map(AttackOptions::name).toList();
  }

  private static List<Part> parts(String names) {
    List<Part> parts = new ArrayList<>();
    for (String name : names.split(",", -1)) {
      parts.add(
          all().stream()
              .filter(part -> name(part).equals(name))
              .findFirst()
              .orElseThrow(
                  () -> new IllegalArgumentException("no part " + name + "; parts: " + names())));
    }
    return parts;
  }
}
