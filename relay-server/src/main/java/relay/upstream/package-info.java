/**
 * The provider side: sends requests with OkHttp, reads responses, and interprets their status and
 * headers.
 */
@NullMarked
package relay.upstream;

import org.jspecify.annotations.NullMarked;
