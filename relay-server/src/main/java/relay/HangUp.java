package relay;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SIGHUP, at which a JVM would end: operators send it to have a configuration read again, and a
 * replica must not be lost to it. By reflection, because the compiler's warning about {@code
 * sun.misc.Signal}, the only way to a signal, cannot be turned off.
 */
final class HangUp {
  private static final Logger log = LoggerFactory.getLogger(HangUp.class);

  private HangUp() {}

  /** Runs the task at every SIGHUP from now on. Where there is no such signal it does nothing. */
  static void on(Runnable task) {
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
              signal.getConstructor(String.class).newInstance("HUP"),
              Proxy.newProxyInstance(HangUp.class.getClassLoader(), new Class<?>[] {handler}, run));
    } catch (ReflectiveOperationException e) {
      log.debug(
          "SIGHUP keeps its meaning", e); // ignored from the start, as under nohup, or unknown
    }
  }
}
