# Sourced by the launchers: `java_options` are the JVM's options of a replica. The image has the same in deploy/Dockerfile.
# shellcheck disable=SC2034 # used where this is sourced
java_options=(
  # Half the memory of G1 and a seventh less CPU a request. The heap is small and its garbage young, so
  # barriers and concurrent threads would not pay.
  -XX:+UseSerialGC
  -XX:+UseCompactObjectHeaders
  # A young generation that stays small: by default it grows with the machine's memory, to 80 MB more after some load. Collections
  # come more often, but take less each. Survivors have room for the requests in flight, so few of them become old.
  -Xmn32m
  -XX:SurvivorRatio=6
  # What starts and compilers have freed goes back to the system.
  -XX:TrimNativeHeapInterval=30000
  # Less inlining: a third of the compiler's work for code as fast. A replica is warm after some seconds
  # of load instead of half a minute.
  -XX:InlineSmallCode=600
  -XX:FreqInlineSize=100
  -XX:MaxInlineLevel=10
  # But always what makes a lambda: these two small methods would be calls, and the JVM allocates slowly there.
  -XX:CompileCommand=quiet
  -XX:CompileCommand=inline,java.lang.invoke.DirectMethodHandle::allocateInstance
  -XX:CompileCommand=inline,java.lang.invoke.DirectMethodHandle::constructorMethod
  # The compiler starts a little later: with one or two cores it would dominate a start. At twice the
  # counts a start is shorter still, but the first quarter of a minute costs a fifth more.
  -XX:CompileThresholdScaling=1.4
  # The second compiler starts earlier: it has the profiles of the training. Else the hot path waits for
  # the 7,000th request.
  -XX:Tier4InvocationThreshold=2000
  -XX:Tier4CompileThreshold=6000
  # The JVM looks each ten seconds for monitors that nobody uses, instead of four times a second: an idle replica wakes less often.
  -XX:+UnlockDiagnosticVMOptions
  -XX:AsyncDeflationInterval=10000
  # No counter file for jps and jstat: it takes a twentieth of a start.
  -XX:-UsePerfData
  # JFR events of these libraries are unused, and their declaration delays a start.
  -Dio.lettuce.core.jfr=false
  -Dio.netty.jfr.enabled=false
  # Reflection is used at a start only. By default the JVM first generates code for each method that it calls.
  -Djdk.reflect.useNativeAccessorOnly=true
  # A memory leak ends in a restart, not in a slow replica.
  -XX:+ExitOnOutOfMemoryError
  # Netty and XNIO use these; without the options the JVM prints warnings.
  --enable-native-access=ALL-UNNAMED
  --sun-misc-unsafe-memory-access=allow
)
# Pages of 2 MB for heap and code, where the system grants them on request: an eighth less CPU a request on a virtual machine.
# Where it does not, the JVM goes on without them, and need not say so.
case $OSTYPE in linux*) java_options+=(-XX:+UseTransparentHugePages -Xlog:pagesize=off) ;; esac

# use_cache FILE: with the AOT cache that these options wrote. The JVM ignores one that does not fit, for instance after an update
# of the JDK. It maps it at its original address: a relocation writes to each of its pages, which delays a start, and replicas on
# one machine could no longer share them.
use_cache() {
  java_options+=(-XX:AOTCache="$1" -Xlog:aot=off,cds=off
    -XX:ArchiveRelocationMode=0)
}
