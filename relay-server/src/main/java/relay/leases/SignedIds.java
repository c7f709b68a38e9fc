package relay.leases;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The ids of leases: a ticket that is readable and cannot be made by others, as it carries a code
 * by the fleet's secret.
 */
final class SignedIds {
  /** An id is shorter. */
  static final int MOST_LETTERS = 4_096;

  private static final String HASH = "HmacSHA256";
  private static final int CODE_BYTES = 16;

  private final FleetSecret secret;
  private volatile @Nullable Keyed keyed; // the last one

  SignedIds(FleetSecret secret) {
    this.secret = secret;
  }

  /** Makes sure that ids can be made. Throws if Redis does not answer, and never did. */
  void prepare() {
    var _ = secret.get();
  }

  /** The id of a lease. Throws if Redis does not answer, and never did. */
  String of(LeaseTicket ticket) {
    byte[] text = ticket.bytes();
    byte[] code = code(secret.get(), text);
    byte[] all = Arrays.copyOf(code, CODE_BYTES + text.length);
    System.arraycopy(text, 0, all, CODE_BYTES, text.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(all);
  }

  /** What an id says; null if no replica of this fleet has made it for this client. */
  @Nullable LeaseTicket read(String id, String client) {
    if (id.length() > MOST_LETTERS) {
      return null;
    }
    byte[] all;
    try {
      all = Base64.getUrlDecoder().decode(id);
    } catch (IllegalArgumentException e) {
      return null;
    }
    if (all.length <= CODE_BYTES) {
      return null;
    }
    byte[] code = Arrays.copyOf(all, CODE_BYTES);
    byte[] text = Arrays.copyOfRange(all, CODE_BYTES, all.length);
    byte[] first = secret.get();
    if (!MessageDigest.isEqual(code, code(first, text))) {
      byte[] other = secret.otherThan(first);
      if (other == null || !MessageDigest.isEqual(code, code(other, text))) {
        return null;
      }
    }
    LeaseTicket ticket = LeaseTicket.of(text);
    return ticket != null && ticket.client().equals(client) ? ticket : null;
  }

  private byte[] code(byte[] secret, byte[] text) {
    Keyed last = keyed;
    if (last == null || !Arrays.equals(last.secret, secret)) {
      last = new Keyed(secret, macOf(secret));
      keyed = last;
    }
    return Arrays.copyOf(last.mac().doFinal(text), CODE_BYTES);
  }

  /** A code's beginning, to clone: cheaper than a search through the security providers. */
  @SuppressWarnings("ArrayRecordComponent") // compared by content
  private record Keyed(byte[] secret, Mac unused) {
    Mac mac() {
      try {
        return (Mac) unused.clone();
      } catch (CloneNotSupportedException e) {
        return macOf(secret); // a custom security provider without clone support
      }
    }
  }

  private static Mac macOf(byte[] secret) {
    try {
      Mac mac = Mac.getInstance(HASH);
      mac.init(new SecretKeySpec(secret, HASH));
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + HASH, e);
    }
  }
}
