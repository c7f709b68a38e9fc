package relay.pipeline;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/** Clients of which a test decides what becomes of each call. */
final class Clients {
  private Clients() {}

  static ClientExchange of(InvocationHandler calls) {
    return (ClientExchange)
        Proxy.newProxyInstance(
            ClientExchange.class.getClassLoader(), new Class<?>[] {ClientExchange.class}, calls);
  }
}
