package relay.redis;

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
import io.netty.util.HashedWheelTimer;
import io.netty.util.Timer;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * What one connection needs of Lettuce's surroundings. Those that Lettuce makes itself have a
 * resolver of names, a bus for events and statistics of all commands too, of which nobody here asks
 * anything: they take their part of a start and of a replica's memory.
 */
final class LinkResources implements ClientResources {
  /** Calls written together at most. */
  private static final int FLUSH_AT_LEAST = 64;

  private final NettyCustomizer customizer =
      new NettyCustomizer() {
        @Override
        public void afterChannelInitialized(Channel channel) {
          eventLoop = channel.eventLoop();
          // Calls that wait to be written together are written together.
          channel.pipeline().addFirst(new FlushConsolidationHandler(FLUSH_AT_LEAST, true));
        }
      };

  /** Tells nobody. */
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
  private final Timer timer =
      new HashedWheelTimer(Thread.ofPlatform().name("redis-timer").daemon().factory());

  /**
   * @param events serve the connection; null for a thread of its own
   */
  LinkResources(@Nullable LoopEvents events) {
    loops = events == null ? new DefaultEventLoopGroupProvider(1) : new LoopResources(events);
  }

  @Override
  public EventLoopGroupProvider eventLoopGroupProvider() {
    return loops;
  }

  /** Runs a task on the thread that reads replies, after some nanoseconds. */
  void afterOnEventLoop(long nanos, Runnable task) {
    EventLoop loop = eventLoop;
    if (loop == null || loop.isShuttingDown()) {
      task.run(); // there is no reply to wait for
    } else {
      var _ = loop.schedule(task, nanos, TimeUnit.NANOSECONDS);
    }
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

  /** A thread that ends when there is nothing to do: little is ever done there. */
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

  /** Lettuce does not reconnect here. */
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
    var _ = timer.stop();
    return loops.shutdown(quietPeriod, timeout, unit);
  }
}
