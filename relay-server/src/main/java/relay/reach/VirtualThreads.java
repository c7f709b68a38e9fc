package relay.reach;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Virtual threads on a given executor. The JDK has this, but not in its API: {@code java.lang} must
 * be open ({@code Add-Opens} in the jar's manifest). Otherwise, or in another JDK, its own carriers
 * run them: everything works, with more processor time.
 */
public final class VirtualThreads {
  private static final @Nullable MethodHandle MAKE =
      Parts.find(
          "virtual_threads",
          "a request takes more processor time, unless Relay is started by its launcher, or with"
              + " java -jar",
          VirtualThreads::find);

  private VirtualThreads() {}

  private static MethodHandle find() throws ReflectiveOperationException {
    Class<?> builders = Class.forName("java.lang.ThreadBuilders");
    return MethodHandles.privateLookupIn(builders, MethodHandles.lookup())
        .findStatic(
            builders,
            "newVirtualThread",
            MethodType.methodType(
                Thread.class, Executor.class, String.class, int.class, Runnable.class));
  }

  /** Whether {@link #unstarted} uses the given executor. */
  public static boolean canBeCarried() {
    return MAKE != null;
  }

  /** A thread that the executor carries, if it can be. */
  public static Thread unstarted(Executor carrier, Runnable task) {
    return MAKE == null ? Thread.ofVirtual().unstarted(task) : made(MAKE, carrier, task);
  }

  private static Thread made(MethodHandle make, Executor carrier, Runnable task) {
    try {
      return (Thread) make.invokeExact(carrier, "request", 0, task);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e); // it declares none
    }
  }
}
