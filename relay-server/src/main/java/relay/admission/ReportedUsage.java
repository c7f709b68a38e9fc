package relay.admission;

import org.jspecify.annotations.Nullable;
import relay.model.TokenUsage;

/**
 * What an answer has told of its usage.
 *
 * @param tokens null if it told nothing
 * @param complete whether the request has used no more than that
 * @param cut whether the answer had begun, and broke off
 */
public record ReportedUsage(@Nullable TokenUsage tokens, boolean complete, boolean cut) {}
