package relay.pipeline;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/** A client exchange whose calls a test implements, but for its target. */
final class ScriptedExchange {
  private ScriptedExchange() {}

  static ClientExchange of(InvocationHandler calls) {
    return (ClientExchange)
        Proxy.newProxyInstance(
            ClientExchange.class.getClassLoader(),
            new Class<?>[] {ClientExchange.class},
            (proxy, method, given) ->
                method.getName().equals("target")
                    ? "/v1/messages"
                    : calls.invoke(proxy, method, given));
  }
}
