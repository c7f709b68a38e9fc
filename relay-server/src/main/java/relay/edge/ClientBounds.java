package relay.edge;

import java.time.Duration;

/**
 * How long a client may take over its own affairs.
 *
 * @param stall to take the next byte of its answer
 * @param patience to send a head, or a body that has waited for more; large bodies have longer
 * @param guard looks at what HTTP/1.1 clients send
 */
record ClientBounds(Duration stall, Duration patience, FramingGuard guard) {}
