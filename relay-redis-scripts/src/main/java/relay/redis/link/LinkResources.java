package relay.redis.link;

import io.lettuce.core.event.DefaultEventPublisherOptions;
import io.lettuce.core.event.Event;
import io.lettuce.core.event.EventBus;
import io.lettuce.core.event.EventPublisherOptions;
import io.lettuce.core.metrics.CommandLatencyRecorder;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultEventLoopGroupProvider;
import io.lettuce.core.resource.Delay;
import io.lettuce.core.resource.DnsResolvers;
import io.lettuce.core.resource.EventLoopGroupProvider;
import io.lettuce.core.resource.NettyCustomizer;
import io.lettuce.core.resource.SocketAddressResolver;
import io.lettuce.core.tracing.Tracing;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.resolver.AddressResolverGroup;
import io.netty.util.Timer;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * The parts of Lettuce's client resources that one connection needs. Lettuce's own also have a DNS
 * resolver, an event bus and command statistics, which are unused here and cost start time and
 * memory.
 */
final class LinkResources implements ClientResources {
  /** Calls per flush, at most. */
  private static final int CALLS_PER_FLUSH = 64;

  private final NettyCustomizer customizer =
      new NettyCustomizer() {
        @Override
        public void afterChannelInitialized(Channel channel) {
          eventLoop = channel.eventLoop();
          // Writes all waiting calls with one flush.
          channel.pipeline().addFirst(new FlushConsolidationHandler(CALLS_PER_FLUSH, true));
        }
      };

  /** Drops all events. */
  private static final EventBus SILENT =
      new EventBus() {
        @Override
        public Flux<Event> get() {
          return Flux.never();
        }

        @Override
        public void publish(Event event) {}
      };

  private final EventLoopGroupProvider loops;
  private volatile @Nullable EventLoop eventLoop; // of the newest connection
  private final AddressResolverGroup<InetSocketAddress> names = LoopResources.names();
  private final SocketAddressResolver addresses =
      SocketAddressResolver.create(DnsResolvers.UNRESOLVED);

  private final Timer timer = new HandshakeTimer();

  /**
   * @param events serves the connection; null for a thread of the resources' own
   */
  LinkResources(@Nullable LoopEvents events) {
    loops = events == null ? new DefaultEventLoopGroupProvider(1) : new LoopResources(events);
  }

  @Override
  public EventLoopGroupProvider eventLoopGroupProvider() {
    return loops;
  }

  /** Runs a task on the thread that reads replies, after a delay in nanoseconds. */
  void afterOnEventLoop(long nanos, Runnable task) {
    EventLoop loop = eventLoop;
    EventExecutor there =
        loop == null || loop.isShuttingDown() ? GlobalEventExecutor.INSTANCE : loop;
    var _ = there.schedule(task, nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public int ioThreadPoolSize() {
    return loops.threadPoolSize();
  }

  @Override
  public NettyCustomizer nettyCustomizer() {
    return customizer;
  }

  @Override
  public AddressResolverGroup<?> addressResolverGroup() {
    return names;
  }

  @Override
  public SocketAddressResolver socketAddressResolver() {
    return addresses;
  }

  @Override
  public Timer timer() {
    return timer;
  }

  /** A thread that ends when idle: little work runs there. */
  @Override
  public EventExecutorGroup eventExecutorGroup() {
    return GlobalEventExecutor.INSTANCE;
  }

  @Override
  public int computationThreadPoolSize() {
    return 1;
  }

  @Override
  public EventBus eventBus() {
    return SILENT;
  }

  @Override
  public CommandLatencyRecorder commandLatencyRecorder() {
    return CommandLatencyRecorder.disabled();
  }

  @Override
  public EventPublisherOptions commandLatencyPublisherOptions() {
    return DefaultEventPublisherOptions.disabled();
  }

  @Override
  public Tracing tracing() {
    return Tracing.disabled();
  }

  /** Unused: Lettuce does not reconnect here. */
  @Override
  public Delay reconnectDelay() {
    return Delay.constant(Duration.ZERO);
  }

  @Override
  public Builder mutate() {
    throw new UnsupportedOperationException("these are the resources of one connection");
  }

  @Override
  public Future<Boolean> shutdown() {
    return shutdown(0, 2, TimeUnit.SECONDS);
  }

  @Override
  public Future<Boolean> shutdown(long quietPeriod, long timeout, TimeUnit unit) {
    return loops.shutdown(quietPeriod, timeout, unit);
  }
}
