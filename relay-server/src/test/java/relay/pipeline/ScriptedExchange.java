package relay.pipeline;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/** ScriptedExchange of which a test decides what becomes of each call. */
final class ScriptedExchange {
  private ScriptedExchange() {}

  static ClientExchange of(InvocationHandler calls) {
    return (ClientExchange)
        Proxy.newProxyInstance(
            ClientExchange.class.getClassLoader(), new Class<?>[] {ClientExchange.class}, calls);
  }
}
