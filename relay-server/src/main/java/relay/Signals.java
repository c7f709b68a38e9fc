package relay;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handles signals: SIGHUP, which by default ends a JVM and by which operators reload a
 * configuration, and a second SIGTERM or SIGINT. Uses reflection because javac's warning about
 * {@code sun.misc.Signal}, the only API for signals, cannot be suppressed.
 */
final class Signals {
  private static final Logger log = LoggerFactory.getLogger(Signals.class);

  private Signals() {}

  /** Runs the task at every such signal. Does nothing on platforms without it. */
  static void on(String name, Runnable task) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler run =
          (proxy, method, arguments) -> {
            if (method.getDeclaringClass() == handler) {
              task.run();
            }
            return null;
          };
      signal
          .getMethod("handle", signal, handler)
          .invoke(
              null,
              signal.getConstructor(String.class).newInstance(name),
              Proxy.newProxyInstance(
                  Signals.class.getClassLoader(), new Class<?>[] {handler}, run));
    } catch (ReflectiveOperationException e) {
      log.debug(
          "SIG{} keeps its meaning", name, e); // already ignored, as under nohup, or not supported
    }
  }
}
