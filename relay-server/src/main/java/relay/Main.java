package relay;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.slf4j.event.Level;
import relay.cli.Arguments;
import relay.cli.Command;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.logging.Logging;

/** Entry point. */
public final class Main {
  private Main() {}

  /** Runs a command. */
  public static void main(String[] args) throws Exception {
    Logging.configure(Level.INFO, Logging.Format.TEXT);
    Command command = Arguments.parse(args);
    if (command instanceof Command.Serve serve) {
      Path file = serve.config() == null ? Path.of("relay.yaml") : serve.config();
      Loaded loaded = ConfigFile.load(file, System.getenv());
      if (!(loaded instanceof Loaded.Valid valid)) {
        System.err.println(loaded);
        System.exit(2);
        return;
      }
      Logging.configure(Level.WARN, Logging.Format.TEXT);
      Replica replica = new Replica(valid.config());
      Runtime.getRuntime().addShutdownHook(new Thread(replica::close));
      new CountDownLatch(1).await();
    }
  }
}
