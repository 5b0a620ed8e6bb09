using System.Globalization;
using Microsoft.IdentityModel.Tokens;

namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>What a caller is told of a refused token: enough to mend it, nothing of how it is checked.</summary>
internal static class ErrorDescription
{
    public static string Of(Exception failure) => failure switch
    {
        SecurityTokenInvalidAudienceException audience => $"The audience '{audience.InvalidAudience ?? "(null)"}' is invalid",
        SecurityTokenInvalidIssuerException issuer => $"The issuer '{issuer.InvalidIssuer ?? "(null)"}' is invalid",
        SecurityTokenNoExpirationException => "The token has no expiration",
        SecurityTokenInvalidLifetimeException lifetime =>
            $"The token lifetime is invalid; NotBefore: '{Text(lifetime.NotBefore)}', Expires: '{Text(lifetime.Expires)}'",
        SecurityTokenNotYetValidException early => $"The token is not valid before '{Text(early.NotBefore)}'",
        // How 6.8.0 reports a token without exp.
        SecurityTokenExpiredException late when late.Expires == DateTime.MinValue => "The token has no expiration",
        SecurityTokenExpiredException late => $"The token expired at '{Text(late.Expires)}'",
        SecurityTokenSignatureKeyNotFoundException => "The signature key was not found",
        SecurityTokenInvalidSignatureException => "The signature is invalid",
        _ => "",
    };

    private static string Text(DateTime? time) => time?.ToString(CultureInfo.InvariantCulture) ?? "(null)";
}
