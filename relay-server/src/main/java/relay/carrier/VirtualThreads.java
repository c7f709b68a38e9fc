package relay.carrier;

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
final class VirtualThreads {
  private static final @Nullable MethodHandle MAKE = find();

  private VirtualThreads() {}

  private static @Nullable MethodHandle find() {
    try {
      Class<?> builders = Class.forName("java.lang.ThreadBuilders");
      return MethodHandles.privateLookupIn(builders, MethodHandles.lookup())
          .findStatic(
              builders,
              "newVirtualThread",
              MethodType.methodType(
                  Thread.class, Executor.class, String.class, int.class, Runnable.class));
    } catch (ReflectiveOperationException e) {
      return null;
    }
  }

  /** Whether {@link #unstarted} uses the given executor. */
  static boolean canBeCarried() {
    return MAKE != null;
  }

  static Thread unstarted(Executor carrier, Runnable task) {
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
