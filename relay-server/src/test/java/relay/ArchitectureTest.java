package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaFieldAccess;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import io.undertow.connector.ByteBufferPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.carrier.SpareBuffers;

/**
 * The shape of the code, over all modules but the benchmarks. The tables are the design: amend them
 * on purpose, with a reason.
 */
@Tag("slow")
class ArchitectureTest {

  /**
   * The layers, from the top. A package may import only packages of lower rows. Packages of one row
   * are siblings and do not import each other; the composition root connects them.
   */
  private static final List<Set<String>> LAYERS =
      List.of(
          Set.of("relay.trial"), // a module of its own, which the server must not import
          Set.of("relay.trial.workers"),
          Set.of("relay.trial.process"),
          Set.of("relay.trial.load", "relay.trial.provider"),
          Set.of("relay"), // Main and the composition root
          Set.of("relay.operate"), // the operator's commands
          Set.of("relay.cli", "relay.edge", "relay.admin"),
          Set.of("relay.pipeline"),
          Set.of("relay.leases"), // for workers that call providers by themselves
          Set.of("relay.admission"), // what lets a request pass, however its bytes travel
          Set.of(
              "relay.auth",
              "relay.embedded",
              "relay.estimate",
              "relay.logging",
              "relay.metrics",
              "relay.reload",
              "relay.request",
              "relay.stream",
              "relay.trace",
              "relay.upstream"),
          Set.of("relay.bedrock", "relay.vertex"), // cloud protocols, with the vendors' libraries
          Set.of("relay.pool", "relay.token"), // the configuration as the engine's types
          Set.of("relay.body", "relay.config", "relay.redis", "relay.tls"),
          Set.of("relay.redis.report"), // inside the engine: EnginePackagesTest has its rows, too
          Set.of("relay.redis.outage", "relay.redis.waiting"),
          Set.of("relay.redis.lease"),
          Set.of("relay.redis.script"),
          Set.of("relay.redis.estimate", "relay.redis.link"),
          Set.of("relay.redis.library", "relay.redis.model"),
          Set.of("relay.carrier", "relay.memory", "relay.model"),
          Set.of("relay.reach")); // private parts of libraries

  /** Permitted imports between siblings, as "from -> to". */
  private static final Set<String> ALLOWED_SIBLINGS = Set.of();

  private static final Set<String> ON_UNDERTOW =
      Set.of("relay.edge", "relay.admin", "relay.trial.provider", "relay.carrier", "relay.reach");

  /** Beside the link, URLs and a refusal of Redis: {@code EnginePackagesTest} names the types. */
  private static final Set<String> LETTUCE =
      Set.of(
          "relay.redis",
          "relay.redis.lease",
          "relay.redis.link",
          "relay.redis.model",
          "relay.redis.outage",
          "relay.redis.script");

  /** Libraries that only some packages may use, so that they stay replaceable. */
  private static final Map<String, Set<String>> LIBRARIES =
      Map.ofEntries(
          Map.entry("io.lettuce", LETTUCE),
          Map.entry("io.netty", Set.of("relay.redis.link", "relay.tls")),
          Map.entry("io.undertow", ON_UNDERTOW),
          Map.entry("org.xnio", ON_UNDERTOW),
          Map.entry("okhttp3", Set.of("relay.upstream", "relay.reach")),
          Map.entry("okio", Set.of("relay.upstream", "relay.reach")),
          Map.entry("io.micrometer", Set.of("relay.metrics")),
          Map.entry("io.prometheus", Set.of("relay.metrics")),
          Map.entry("io.opentelemetry", Set.of("relay.trace")),
          Map.entry("org.yaml.snakeyaml", Set.of("relay.config")),
          Map.entry("software.amazon", Set.of("relay.bedrock")),
          Map.entry("com.google.auth", Set.of("relay.vertex")),
          Map.entry("com.google.api", Set.of("relay.vertex")),
          Map.entry("picocli", Set.of("relay", "relay.cli", "relay.operate")),
          Map.entry("redis.embedded", Set.of("relay.embedded")));

  /** The exact number of public top-level types per package. */
  private static final Map<String, Integer> PUBLIC_TYPES =
      Map.ofEntries(
          Map.entry("relay", 1), // Main
          Map.entry(
              "relay.admission",
              19), // a search for leases, what it asks, finds and settles, quotas, routes
          Map.entry("relay.admin", 2), // the server, and the readiness that it shows
          Map.entry("relay.auth", 1),
          Map.entry(
              "relay.bedrock", 3), // signatures, the keys for them, and the events of a stream
          Map.entry("relay.body", 5), // a body, one that passes, a buffer, all buffers, slow bodies
          Map.entry("relay.carrier", 12), // carriers, sockets, TLS, buffers, dates, descriptors
          Map.entry(
              "relay.cli", 4), // the command line, its groups of commands, one, usual operands
          Map.entry(
              "relay.config", 37), // a record for each block of the file, its outline, its schema
          Map.entry("relay.edge", 1),
          Map.entry("relay.embedded", 2), // a Redis, and free ports
          Map.entry("relay.estimate", 1),
          Map.entry("relay.leases", 2), // the calls, and their answer
          Map.entry(
              "relay.logging", 5), // its setup, a log manager until the exit, requests, the last
          Map.entry("relay.memory", 1),
          Map.entry(
              "relay.metrics", 4), // a replica's meters, those of clients and leases, their totals
          Map.entry("relay.model", 12), // shared value types
          Map.entry("relay.operate", 3), // the commands, where they find their config, warnings
          Map.entry(
              "relay.pipeline", 5), // the way of a request, its client, its errors, ids, key probes
          Map.entry("relay.pool", 10), // plans, JSON and lines, status, quarantines, owners, shares
          Map.entry("relay.reload", 4), // a source, its attempts, their outcome, the state after
          Map.entry("relay.reach", 10), // one for each part of a library, except for the finder
          Map.entry("relay.redis", 11), // a library's API: the engine, pools and what they give out
          Map.entry("relay.redis.model", 30), // its values: plans, demands, leases, outcomes
          Map.entry("relay.request", 7), // a scan, its outcomes with their parts, and the edits
          Map.entry("relay.stream", 6), // five taps on a response, and one's find
          Map.entry("relay.tls", 1),
          Map.entry("relay.token", 3), // a token, where it is kept, and why there is none
          Map.entry("relay.trace", 2), // the sender, and the trace of a request
          Map.entry("relay.trial", 1),
          Map.entry(
              "relay.trial.load", 9), // two loads, their tally, requests, answers, a probe, a wait
          Map.entry("relay.trial.process", 1),
          Map.entry("relay.trial.provider", 3), // the provider, a certificate for it, its flow
          Map.entry("relay.trial.workers", 3), // a worker's process, its manner, what it did
          Map.entry(
              "relay.upstream", 9), // a provider, a request, its call, its answers, its limits
          Map.entry("relay.vertex", 1));

  /** Static fields of these types would be shared by two replicas in one process. */
  private static final List<Class<?>> SHARED_STATE =
      List.of(
          SpareBuffers.class,
          ByteBufferPool.class,
          Semaphore.class,
          Queue.class,
          ConcurrentMap.class,
          Executor.class,
          AtomicInteger.class,
          AtomicLong.class,
          AtomicReference.class);

  /** Executors without threads or queues of their own. */
  private static final Set<String> STATELESS_EXECUTORS =
      Set.of("relay.upstream.TokenCredential.THREADS");

  /** Only the commands use standard output and error; all other code logs. */
  private static final Set<String> TALK_TO_THE_TERMINAL =
      Set.of("relay", "relay.cli", "relay.logging", "relay.trial", "relay.trial.workers");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("relay");

  @Test
  void every_module_is_looked_at() {
    assertFalse(CLASSES.isEmpty());
    Set<String> packages =
        CLASSES.stream().map(JavaClass::getPackageName).collect(Collectors.toSet());
    assertEquals(
        Set.of(),
        Stream.of("relay", "relay.model", "relay.redis", "relay.embedded", "relay.trial")
            .filter(name -> !packages.contains(name))
            .collect(Collectors.toSet()));
  }

  @Test
  void every_package_has_a_layer() {
    Set<String> known = LAYERS.stream().flatMap(Set::stream).collect(Collectors.toSet());
    nothing(
        CLASSES.stream()
            .map(JavaClass::getPackageName)
            .filter(name -> !known.contains(name))
            .map(name -> name + " is in no row of LAYERS"));
  }

  @Test
  void packages_have_no_cycles() {
    SlicesRuleDefinition.slices().matching("(relay..)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void imports_point_down() {
    nothing(
        dependencies()
            .filter(dependency -> isOurs(dependency.getTargetClass()))
            .filter(
                dependency -> {
                  String from = dependency.getOriginClass().getPackageName();
                  String to = dependency.getTargetClass().getPackageName();
                  return !from.equals(to)
                      && rowOf(from) >= rowOf(to)
                      && !ALLOWED_SIBLINGS.contains(from + " -> " + to);
                })
            .map(Dependency::getDescription));
  }

  @Test
  void a_library_stays_where_it_belongs() {
    nothing(
        dependencies()
            .filter(
                dependency -> {
                  String to = dependency.getTargetClass().getPackageName();
                  return LIBRARIES.entrySet().stream()
                      .filter(library -> (to + ".").startsWith(library.getKey() + "."))
                      .anyMatch(
                          library ->
                              !library
                                  .getValue()
                                  .contains(dependency.getOriginClass().getPackageName()));
                })
            .map(Dependency::getDescription));
  }

  /** The trial runs replicas as processes: it sees of them what a user sees. */
  @Test
  void the_trial_knows_nothing_of_the_server() {
    nothing(
        dependencies()
            .filter(dependency -> isTrial(dependency.getOriginClass()))
            .filter(dependency -> isOurs(dependency.getTargetClass()))
            .filter(dependency -> !isTrial(dependency.getTargetClass()))
            .filter(
                dependency ->
                    !dependency.getTargetClass().getPackageName().equals("relay.embedded"))
            .map(Dependency::getDescription));
  }

  @Test
  void main_finds_the_trial() throws ReflectiveOperationException {
    assertEquals(
        void.class,
        Class.forName(TryCommand.TRIAL).getMethod("main", String[].class).getReturnType());
  }

  @Test
  void packages_have_few_public_types() {
    Map<String, List<String>> visible =
        CLASSES.stream()
            .filter(JavaClass::isTopLevelClass)
            .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
            .filter(type -> !isInsideTheEngine(type))
            .collect(
                Collectors.groupingBy(
                    JavaClass::getPackageName,
                    Collectors.mapping(JavaClass::getSimpleName, Collectors.toList())));
    List<String> wrong = new ArrayList<>();
    Set<String> packages = new TreeSet<>(PUBLIC_TYPES.keySet());
    packages.addAll(visible.keySet());
    for (String name : packages) {
      List<String> types = visible.getOrDefault(name, List.of());
      int wanted = PUBLIC_TYPES.getOrDefault(name, 0);
      if (types.size() != wanted) {
        wrong.add(name + " shows " + types.size() + " types, not " + wanted + ": " + types);
      }
    }
    nothing(wrong.stream());
  }

  @Test
  void only_commands_talk_to_the_terminal() {
    nothing(
        CLASSES.stream()
            .filter(type -> !TALK_TO_THE_TERMINAL.contains(type.getPackageName()))
            .flatMap(type -> type.getFieldAccessesFromSelf().stream())
            .filter(access -> access.getTargetOwner().isEquivalentTo(System.class))
            .map(JavaFieldAccess::getDescription));
  }

  @Test
  void mutable_state_is_never_static() {
    nothing(
        CLASSES.stream()
            .flatMap(type -> type.getFields().stream())
            .filter(field -> field.getModifiers().contains(JavaModifier.STATIC))
            .filter(field -> !field.getModifiers().contains(JavaModifier.FINAL))
            .map(field -> field.getFullName() + " is static and can change"));
  }

  @Test
  void replicas_in_one_process_share_no_pool() {
    nothing(
        CLASSES.stream()
            .flatMap(type -> type.getFields().stream())
            .filter(field -> field.getModifiers().contains(JavaModifier.STATIC))
            .filter(field -> SHARED_STATE.stream().anyMatch(field.getRawType()::isAssignableTo))
            .map(JavaField::getFullName)
            .filter(name -> !STATELESS_EXECUTORS.contains(name)));
  }

  private static Stream<Dependency> dependencies() {
    return CLASSES.stream().flatMap(type -> type.getDirectDependenciesFromSelf().stream());
  }

  private static boolean isTrial(JavaClass type) {
    return (type.getPackageName() + ".").startsWith("relay.trial.");
  }

  /** Packages that are public to each other only, as {@code SourceRulesTest} holds. */
  private static boolean isInsideTheEngine(JavaClass type) {
    String name = type.getPackageName();
    return name.startsWith("relay.redis.") && !name.equals("relay.redis.model");
  }

  private static boolean isOurs(JavaClass type) {
    return (type.getPackageName() + ".").startsWith("relay.");
  }

  /** The row in LAYERS, counted from the top; packages without a row are below all others. */
  private static int rowOf(String name) {
    int row = 0;
    while (row < LAYERS.size() && !LAYERS.get(row).contains(name)) {
      row++;
    }
    return row;
  }

  private static void nothing(Stream<String> violations) {
    Set<String> found = new TreeSet<>(violations.toList());
    assertEquals("", String.join("\n", found));
  }
}
