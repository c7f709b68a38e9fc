/** Other gateways beside Relay, under the traffic of docs/comparison.md. */
@org.jspecify.annotations.NullMarked
package relay.peers;
