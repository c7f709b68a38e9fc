/** The wire rules of Amazon Bedrock: requests signed by AWS's own library, and its event stream. */
@NullMarked
package relay.bedrock;

import org.jspecify.annotations.NullMarked;
