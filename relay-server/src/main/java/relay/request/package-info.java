/**
 * Scans request bodies in one pass for the facts that Relay needs, and applies its few edits. Free
 * of I/O.
 */
@NullMarked
package relay.request;

import org.jspecify.annotations.NullMarked;
