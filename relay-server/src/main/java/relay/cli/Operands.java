package relay.cli;

import java.time.Duration;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.TypeConversionException;
import relay.model.DurationText;

/**
 * The usual options and operands of a command. They are objects, not annotations: a start would pay
 * for reading annotations by reflection.
 */
public final class Operands {
  private Operands() {}

  /** An option without a value: true if it is given. */
  public static OptionSpec flag(String name, String description) {
    return OptionSpec.builder(name)
        .type(boolean.class)
        .defaultValue("false")
        .description(description)
        .build();
  }

  /** An option with a value: null if it is not given. */
  public static OptionSpec option(String name, String label, String description) {
    return OptionSpec.builder(name)
        .type(String.class)
        .paramLabel(label)
        .description(description)
        .build();
  }

  /** A required word. Operands have the order in which the command adds them. */
  public static PositionalParamSpec word(String label, String description) {
    return required(label, description).type(String.class).build();
  }

  /** A required {@link Duration}, above 0. */
  public static PositionalParamSpec duration(String label, String description) {
    return required(label, description)
        .type(Duration.class)
        .converters(Operands::parseDuration)
        .build();
  }

  private static PositionalParamSpec.Builder required(String label, String description) {
    return PositionalParamSpec.builder()
        .paramLabel(label)
        .description(description)
        .arity("1")
        .required(true);
  }

  private static Duration parseDuration(String text) {
    return DurationText.parse(text)
        .orElseThrow(
            () ->
                new TypeConversionException(
                    "\"" + text + "\" is not a duration; " + DurationText.ALLOWED));
  }
}
