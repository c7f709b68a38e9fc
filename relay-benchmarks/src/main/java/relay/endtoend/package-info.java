/** What Relay costs, measured from outside: a process under load, as users run it. */
@org.jspecify.annotations.NullMarked
package relay.endtoend;
