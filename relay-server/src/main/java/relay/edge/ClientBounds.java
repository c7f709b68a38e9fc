package relay.edge;

import java.time.Duration;
import relay.body.BodyBuffers;

/**
 * What a client may take: time, and memory for its request's body.
 *
 * @param stall to take the next byte of its answer
 * @param patience to send a head, or a body that has waited for more; large bodies have longer
 * @param guard checks the framing of HTTP/1.1 requests
 * @param memory for requests besides their bodies
 * @param bodies buffers for bodies, shared by all clients of this replica
 */
record ClientBounds(
    Duration stall,
    Duration patience,
    FramingGuard guard,
    ClientMemory memory,
    BodyBuffers bodies) {}
