/** Amazon Bedrock's protocol: requests signed by AWS's library, and its event stream format. */
@NullMarked
package relay.bedrock;

import org.jspecify.annotations.NullMarked;
