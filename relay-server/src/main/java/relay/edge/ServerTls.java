package relay.edge;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
import relay.config.TlsConfig;

/** A TLS context that proves itself with a configured certificate, which may be replaced. */
final class ServerTls {
  static {
    // A client of TLS 1.2 could make handshakes without end on one connection. Read once, later
    System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
  }

  private final Replaceable keys;
  private final SSLContext context;

  ServerTls(TlsConfig tls) {
    try {
      keys = new Replaceable(keyManager(tls));
      context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[] {keys}, null, null);
    } catch (GeneralSecurityException | IOException e) {
      throw unusable(e);
    }
  }

  SSLContext context() {
    return context;
  }

  /** For handshakes that begin from now on. */
  void use(TlsConfig tls) {
    try {
      keys.replace(keyManager(tls));
    } catch (GeneralSecurityException | IOException e) {
      throw unusable(e);
    }
  }

  private static IllegalStateException unusable(Exception cause) {
    return new IllegalStateException("server.tls: the certificate cannot be used", cause);
  }

  private static X509ExtendedKeyManager keyManager(TlsConfig tls)
      throws GeneralSecurityException, IOException {
    char[] inMemory = {}; // the store never leaves memory
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, inMemory);
    store.setKeyEntry(
        "relay", tls.privateKey(), inMemory, tls.chain().toArray(new X509Certificate[0]));
    KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
    factory.init(store, inMemory);
    for (KeyManager manager : factory.getKeyManagers()) {
      if (manager instanceof X509ExtendedKeyManager keyManager) {
        return keyManager;
      }
    }
    throw new GeneralSecurityException("this JDK has no key manager for certificates");
  }

  /**
   * One handshake asks for an alias, then for what it stands for. A replacement between the two
   * must not join one certificate to the key of another, so the alias names its certificate.
   */
  private static final class Replaceable extends X509ExtendedKeyManager {
    /** A handshake that lasts longer than this many replacements fails, and the client retries. */
    private static final int KEPT = 4;

    private record Numbered(int number, X509ExtendedKeyManager keys) {}

    private volatile List<Numbered> newestFirst;

    Replaceable(X509ExtendedKeyManager first) {
      newestFirst = List.of(new Numbered(0, first));
    }

    synchronized void replace(X509ExtendedKeyManager next) {
      List<Numbered> all = new ArrayList<>(newestFirst);
      all.addFirst(new Numbered(all.getFirst().number() + 1, next));
      newestFirst = List.copyOf(all.subList(0, Math.min(KEPT, all.size())));
    }

    private static @Nullable String named(Numbered newest, @Nullable String alias) {
      return alias == null ? null : newest.number() + ":" + alias;
    }

    private <T> @Nullable T of(
        @Nullable String alias, BiFunction<X509ExtendedKeyManager, String, @Nullable T> question) {
      int colon = alias == null ? -1 : alias.indexOf(':');
      if (alias == null || colon < 0) {
        return null;
      }
      for (Numbered one : newestFirst) {
        if (alias.substring(0, colon).equals(Integer.toString(one.number()))) {
          return question.apply(one.keys(), alias.substring(colon + 1));
        }
      }
      return null;
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
        String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
      Numbered newest = newestFirst.getFirst();
      return named(newest, newest.keys().chooseEngineServerAlias(keyType, issuers, engine));
    }

    @Override
    public @Nullable String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, Socket socket) {
      Numbered newest = newestFirst.getFirst();
      return named(newest, newest.keys().chooseServerAlias(keyType, issuers, socket));
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(@Nullable String alias) {
      return of(alias, X509ExtendedKeyManager::getCertificateChain);
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(@Nullable String alias) {
      return of(alias, X509ExtendedKeyManager::getPrivateKey);
    }

    @Override
    public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return null; // the server's side asks for one alias
    }

    @Override
    public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return null;
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyType, Principal @Nullable [] issuers, Socket socket) {
      return null; // it is no client
    }
  }
}
