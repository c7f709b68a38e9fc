package relay.leases;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import relay.admission.LeaseGrant;
import relay.redis.model.LeaseRef;

/**
 * What the id of a lease says: all that any replica needs for a call about it.
 *
 * @param model by the client's name of it
 * @param outputTokens that the worker expected; negative if the learned mean served
 * @param maxOutputTokens negative if it gave none
 */
record LeaseTicket(
    LeaseGrant grant,
    String client,
    String model,
    long inputBytes,
    long outputTokens,
    long maxOutputTokens,
    Duration ttl) {

  private static final int FORM = 1;

  static LeaseTicket of(LeaseGrant grant, String client, LeaseCall call) {
    return new LeaseTicket(
        grant,
        client,
        call.model(),
        call.inputBytes(),
        call.outputTokens(),
        call.maxOutputTokens(),
        call.ttl());
  }

  byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(FORM);
      out.writeUTF(client);
      out.writeUTF(model);
      out.writeLong(inputBytes);
      out.writeLong(outputTokens);
      out.writeLong(maxOutputTokens);
      out.writeInt((int) ttl.toMillis());
      out.writeUTF(grant.provider());
      out.writeBoolean(grant.isTrial());
      write(out, grant.lease());
      LeaseRef ofClient = grant.ofClient();
      out.writeBoolean(ofClient != null);
      if (ofClient != null) {
        write(out, ofClient);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, LeaseRef ref) throws IOException {
    out.writeUTF(ref.id());
    out.writeUTF(ref.key());
    out.writeUTF(ref.group());
    out.writeLong(ref.inputTokens());
    out.writeLong(ref.outputTokens());
    out.writeInt(ref.requests());
    out.writeLong(ref.nanodollars());
    out.writeBoolean(ref.atAdmission());
    out.writeLong(ref.epoch());
    out.writeLong(ref.grantedMicros());
  }

  /** Null if it is of another version of Relay. */
  static @Nullable LeaseTicket of(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      if (in.readByte() != FORM) {
        return null;
      }
      String client = in.readUTF();
      String model = in.readUTF();
      long inputBytes = in.readLong();
      long outputTokens = in.readLong();
      long maxOutputTokens = in.readLong();
      Duration ttl = Duration.ofMillis(in.readInt());
      String provider = in.readUTF();
      boolean isTrial = in.readBoolean();
      LeaseRef lease = read(in);
      LeaseRef ofClient = in.readBoolean() ? read(in) : null;
      return new LeaseTicket(
          new LeaseGrant(provider, lease, ofClient, isTrial),
          client,
          model,
          inputBytes,
          outputTokens,
          maxOutputTokens,
          ttl);
    } catch (IOException e) {
      return null;
    }
  }

  private static LeaseRef read(DataInputStream in) throws IOException {
    return new LeaseRef(
        in.readUTF(),
        in.readUTF(),
        in.readUTF(),
        in.readLong(),
        in.readLong(),
        in.readInt(),
        in.readLong(),
        in.readBoolean(),
        in.readLong(),
        in.readLong());
  }
}
