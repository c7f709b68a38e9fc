package relay.token;

import java.time.Instant;
import relay.config.Secret;

/** A token and when it ends. */
public record AccessToken(Secret value, Instant expiresAt) {}
