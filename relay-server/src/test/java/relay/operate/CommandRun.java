package relay.operate;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import relay.cli.RelayCommandLine;

/** What an operator's command ended with, and what it printed. */
record CommandRun(int exitCode, String out, String err) {

  static CommandRun of(Map<String, String> environment, String... words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream outStream = new PrintStream(out, true, StandardCharsets.UTF_8);
    PrintStream errStream = new PrintStream(err, true, StandardCharsets.UTF_8);
    int exitCode =
        RelayCommandLine.of(
                OperatorCommands.all(
                    environment, InputStream.nullInputStream(), outStream, errStream),
                outStream,
                errStream)
            .execute(words);
    return new CommandRun(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
