/** Measures Relay's cost from outside: a process under load, started as in production. */
@org.jspecify.annotations.NullMarked
package relay.endtoend;
