package relay.admission;

import relay.model.TokenUsage;

/**
 * What an attempt is expected to use.
 *
 * @param model the provider's name of the model, which has the price
 * @param tokens each counted once, as prices do, and not as limits do
 */
record Expected(String model, TokenUsage tokens) {}
