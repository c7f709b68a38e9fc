package relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The image that {@code deploy/release/image.sh} writes from small folders. */
@Timeout(60)
class ReleaseImageTest {
  private static final Path DEPLOY = Path.of("..", "deploy").toAbsolutePath().normalize();
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @Test
  void every_blob_is_described_and_has_its_digest_and_size() throws Exception {
    Layout layout = layout(write("amd64", folders("home")));
    assertEquals("1.0.0", layout.read("oci-layout").get("imageLayoutVersion").asText());
    JsonNode named = layout.read("index.json").at("/manifests/0");
    assertEquals("9.8.7", named.at("/annotations/org.opencontainers.image.ref.name").asText());
    JsonNode image = layout.image(0);
    assertEquals("amd64", image.at("/platform/architecture").asText());

    JsonNode manifest = layout.json(image);
    JsonNode config = layout.json(manifest.get("config"));
    assertEquals("amd64", config.get("architecture").asText());
    assertEquals(2, manifest.get("layers").size());
    for (int i = 0; i < 2; i++) {
      byte[] layer = unzip(layout.blob(manifest.at("/layers/" + i)));
      assertEquals("sha256:" + sha256(layer), config.at("/rootfs/diff_ids/" + i).asText());
    }
    assertEquals(layout.described, layout.files());
    JsonNode load = layout.read("manifest.json").get(0); // for `docker load` before containerd
    assertEquals("relay:9.8.7-amd64", load.at("/RepoTags/0").asText());
    assertEquals(
        manifest.at("/config/digest").asText(),
        "sha256:" + load.get("Config").asText().replaceAll(".*/", ""));
  }

  @Test
  void it_runs_like_the_image_of_the_dockerfile() throws Exception {
    Layout layout = layout(write("arm64", folders("home")));
    JsonNode config = layout.json(layout.json(layout.image(0)).get("config")).get("config");
    String dockerfile = Files.readString(DEPLOY.resolve("Dockerfile")).replace("\\\n", "");
    assertEquals(found(dockerfile, "USER"), config.get("User").asText());
    assertEquals(found(dockerfile, "WORKDIR"), config.get("WorkingDir").asText());
    assertEquals(JSON.readTree(found(dockerfile, "ENTRYPOINT")), config.get("Entrypoint"));
    assertEquals(JSON.readTree(found(dockerfile, "CMD")), config.get("Cmd"));
    assertEquals(JSON.readTree("{\"8787/tcp\": {}, \"9091/tcp\": {}}"), config.get("ExposedPorts"));
    assertTrue(config.at("/Env/0").asText().startsWith("PATH=/opt/java/openjdk/bin:"));
    String health = found(dockerfile, "HEALTHCHECK");
    JsonNode check = config.get("Healthcheck");
    assertEquals("bash", check.at("/Test/1").asText());
    assertEquals(
        JSON.readTree(health.substring(health.indexOf("CMD ") + 4)).get(2), check.at("/Test/3"));
    long seconds = check.get("Interval").asLong() / 1_000_000_000;
    assertTrue(health.startsWith("--interval=" + seconds + "s "), health);
  }

  @Test
  void files_belong_to_root_and_only_tmp_is_writable_by_others() throws Exception {
    Path folders = folders("home");
    Path binary = folders.resolve("relay/opt/binary");
    Files.writeString(binary, "x");
    assertEquals("", run("chmod", "6777", binary.toString()));
    Layout layout = layout(write("amd64", folders));
    Set<String> lines = new TreeSet<>();
    for (JsonNode layer : layout.json(layout.image(0)).get("layers")) {
      Path file = directory.resolve("layer");
      Files.write(file, layout.blob(layer));
      run("tar", "-tvzf", file.toString(), "--numeric-owner").lines().forEach(lines::add);
    }
    List<String> listed =
        lines.stream().map(line -> line.replaceAll(" +\\d+ 2026-01-01 00:00 ", " ")).toList();
    assertEquals(
        List.of(
            "-rw-r--r-- 0/0 ./opt/relay.jar",
            "-rwxr-xr-x 0/0 ./opt/binary",
            "drwxr-xr-x 0/0 ./",
            "drwxr-xr-x 0/0 ./opt/",
            "drwxrwxrwt 0/0 ./tmp/",
            "lrwxrwxrwx 0/0 ./link -> opt/relay.jar"),
        listed.stream().distinct().toList());
  }

  @Test
  void equal_files_give_equal_bytes() throws Exception {
    Path first = write("amd64", folders("home"));
    Path folders = folders("elsewhere");
    Path jar = folders.resolve("relay/opt/relay.jar");
    Files.setLastModifiedTime(jar, FileTime.from(Instant.EPOCH));
    Files.setPosixFilePermissions(jar, PosixFilePermissions.fromString("rw-------"));
    assertArrayEquals(Files.readAllBytes(first), Files.readAllBytes(write("amd64", folders)));
  }

  @Test
  void one_archive_is_joined_from_two_architectures() throws Exception {
    Path folders = folders("home");
    Path amd64 = write("amd64", folders);
    Files.writeString(folders.resolve("relay/opt/relay.jar"), "other");
    Path arm64 = write("arm64", folders);
    Path joined = directory.resolve("joined.tar");
    assertEquals("", image("join", joined, amd64, arm64));
    Layout layout = layout(joined);
    Set<String> configs = new TreeSet<>();
    for (int i = 0; i < 2; i++) {
      JsonNode manifest = layout.json(layout.image(i));
      JsonNode config = layout.json(manifest.get("config"));
      configs.add(config.get("architecture").asText());
      manifest.get("layers").forEach(layer -> assertTrue(layout.blob(layer).length > 0));
      assertEquals(
          config.get("architecture"), layout.image(i).at("/platform/architecture"), "platform");
    }
    assertEquals(Set.of("amd64", "arm64"), configs);
    assertEquals(layout.described, layout.files());
    assertEquals(2, layout.read("manifest.json").size());

    assertTrue(image("join", joined, arm64, arm64).contains("more than one archive has"));
  }

  /** A layer needs them for both architectures, at the same versions. */
  @Test
  void debians_packages_are_pinned_for_both_architectures() throws Exception {
    Set<String> amd64 = new TreeSet<>();
    Set<String> arm64 = new TreeSet<>();
    for (String line : Files.readAllLines(DEPLOY.resolve("release/base.lock"))) {
      if (!line.startsWith("#") && !line.startsWith("time ")) {
        assertTrue(line.matches("a\\w+64 \\S+ \\S+ [0-9a-f]{64} debian\\S*/pool/\\S+\\.deb"), line);
        String[] words = line.split(" ", -1);
        (words[0].equals("amd64") ? amd64 : arm64).add(words[1] + " " + words[2]);
      }
    }
    assertEquals(amd64, arm64);
    assertTrue(amd64.toString().contains("libc6 "), amd64::toString);
  }

  /** An unpacked archive; {@code described} are the blobs that were reached by a descriptor. */
  private record Layout(Path root, Set<String> described) {
    JsonNode read(String file) throws IOException {
      return JSON.readTree(Files.readAllBytes(root.resolve(file)));
    }

    JsonNode image(int number) throws IOException {
      return json(read("index.json").at("/manifests/0")).at("/manifests/" + number);
    }

    JsonNode json(JsonNode descriptor) throws IOException {
      return JSON.readTree(blob(descriptor));
    }

    byte[] blob(JsonNode descriptor) {
      String digest = descriptor.get("digest").asText().replace("sha256:", "");
      described.add(digest);
      byte[] bytes = bytes(root.resolve("blobs/sha256").resolve(digest));
      assertEquals(digest, sha256(bytes));
      assertEquals(descriptor.get("size").asInt(), bytes.length);
      return bytes;
    }

    Set<String> files() throws IOException {
      try (var files = Files.list(root.resolve("blobs/sha256"))) {
        return new TreeSet<>(files.map(file -> file.getFileName().toString()).toList());
      }
    }
  }

  /** Two small folders, one a layer. */
  private Path folders(String name) throws IOException {
    Path folders = directory.resolve(name);
    Files.createDirectories(folders.resolve("base/tmp"));
    Files.createDirectories(folders.resolve("relay/opt"));
    Files.writeString(folders.resolve("relay/opt/relay.jar"), "jar");
    Files.createSymbolicLink(folders.resolve("relay/link"), Path.of("opt/relay.jar"));
    return folders;
  }

  private Path write(String architecture, Path folders) throws Exception {
    Path archive = directory.resolve(folders.getFileName() + "-" + architecture + ".tar");
    Path base = folders.resolve("base");
    assertEquals(
        "", image("write", "9.8.7", architecture, archive, base, folders.resolve("relay")));
    return archive;
  }

  private Layout layout(Path archive) throws Exception {
    Path root = Files.createTempDirectory(directory, "layout");
    assertEquals("", run("tar", "-xf", archive.toString(), "-C", root.toString()));
    return new Layout(root, new TreeSet<>());
  }

  private static String image(Object... words) throws Exception {
    String[] command = new String[words.length + 1];
    command[0] = DEPLOY.resolve("release/image.sh").toString();
    for (int i = 0; i < words.length; i++) {
      command[i + 1] = words[i].toString();
    }
    return run(command);
  }

  /** What the command says; nothing is told from its exit code but that it has one. */
  private static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    boolean failed = process.waitFor() != 0;
    assertEquals(failed, output.startsWith("release: "), output);
    return output;
  }

  private static String found(String dockerfile, String instruction) {
    return Pattern.compile("(?m)^" + instruction + " +(.*)$")
        .matcher(dockerfile)
        .results()
        .map(match -> match.group(1).replaceAll(" +", " "))
        .reduce((_, last) -> last)
        .orElseThrow();
  }

  private static byte[] unzip(byte[] bytes) throws IOException {
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
      return in.readAllBytes();
    }
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
