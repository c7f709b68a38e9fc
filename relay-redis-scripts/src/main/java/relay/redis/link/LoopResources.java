package relay.redis.link;

import io.lettuce.core.resource.EventLoopGroupProvider;
import io.netty.channel.EventLoopGroup;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.InetNameResolver;
import io.netty.resolver.InetSocketAddressResolver;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import relay.redis.model.SocketLoop;

/** Provides a {@link SocketLoop} to Lettuce as its event loop. */
final class LoopResources implements EventLoopGroupProvider {
  private final LoopEvents events;

  LoopResources(LoopEvents events) {
    this.events = events;
  }

  @Override
  @SuppressWarnings("unchecked") // Lettuce asks for the type that it is
  public <T extends EventLoopGroup> T allocate(Class<T> type) {
    return (T) events;
  }

  @Override
  public int threadPoolSize() {
    return 1;
  }

  /** Does nothing: the thread is not Lettuce's. */
  @Override
  public Future<Boolean> release(
      EventExecutorGroup group, long quietPeriod, long timeout, TimeUnit unit) {
    return GlobalEventExecutor.INSTANCE.newSucceededFuture(true);
  }

  @Override
  public Future<Boolean> shutdown(long quietPeriod, long timeout, TimeUnit unit) {
    return GlobalEventExecutor.INSTANCE.newSucceededFuture(true);
  }

  /** Resolves names on a new thread: a lookup may take seconds, and the loop serves others. */
  static AddressResolverGroup<InetSocketAddress> names() {
    return new AddressResolverGroup<>() {
      @Override
      protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
        return new InetSocketAddressResolver(executor, new Names(executor));
      }
    };
  }

  private static final class Names extends InetNameResolver {
    Names(EventExecutor executor) {
      super(executor);
    }

    @Override
    protected void doResolve(String host, Promise<InetAddress> promise) {
      elsewhere(host, promise, () -> InetAddress.getByName(host));
    }

    @Override
    protected void doResolveAll(String host, Promise<List<InetAddress>> promise) {
      elsewhere(host, promise, () -> List.of(InetAddress.getAllByName(host)));
    }

    private interface Lookup<T> {
      T run() throws UnknownHostException;
    }

    private static <T> void elsewhere(String host, Promise<T> promise, Lookup<T> lookup) {
      Thread.ofPlatform()
          .name("redis-name " + host)
          .daemon()
          .start(
              () -> {
                try {
                  promise.setSuccess(lookup.run());
                } catch (UnknownHostException e) {
                  promise.setFailure(e);
                }
              });
    }
  }
}
