package relay.peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import relay.trial.load.RequestBytes;

/**
 * A gateway that is ready: where its instances listen, and what they take.
 *
 * @param chat whether it takes Chat Completions requests, not Messages requests
 * @param headers whole lines
 */
record PeerTarget(
    boolean chat,
    String path,
    String model,
    List<InetSocketAddress> instances,
    List<String> headers) {

  /**
   * Reads {@code messages|chat PATH MODEL PORT...}, lines of headers, and an empty line.
   *
   * @throws IOException also at the end of the input: there is nothing to measure
   */
  static PeerTarget read(BufferedReader in) throws IOException {
    String first = in.readLine();
    String[] words = first == null ? new String[0] : first.split(" ", -1);
    if (words.length < 4 || !List.of("messages", "chat").contains(words[0])) {
      throw new IOException("no target: " + first);
    }
    List<String> headers = new ArrayList<>();
    for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
      headers.add(line);
    }
    return new PeerTarget(
        words[0].equals("chat"),
        words[1],
        words[2],
        Arrays.stream(words).skip(3).map(PeerTarget::loopback).toList(),
        headers);
  }

  private static InetSocketAddress loopback(String port) {
    return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), Integer.parseInt(port));
  }

  /** What the load sends. */
  byte[] request(boolean stream) {
    return RequestBytes.plain(path, headers, chat, model, stream);
  }
}
