package relay.config;

/**
 * One credential of a provider. Its limits are its account's: see {@link ProviderConfig#groups}.
 *
 * @param id unique in the pool; the first 8 hex digits of the secret's SHA-256 if none was given
 * @param account the quota's owner; the id if none was given
 * @param priority higher first; a lower one only when the higher cannot carry the request
 * @param weight its share where keys are chosen by weight; 0 = only if no other can
 * @param maxConcurrent requests at once on this key; 0 = no bound
 */
public record KeyConfig(
    Credential credential,
    String id,
    String account,
    int priority,
    int weight,
    int maxConcurrent) {}
