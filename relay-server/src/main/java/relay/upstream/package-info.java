/** The provider's side: requests over OkHttp, answers, and what their status and headers mean. */
@NullMarked
package relay.upstream;

import org.jspecify.annotations.NullMarked;
