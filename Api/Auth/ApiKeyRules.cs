using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Auth;

/// <summary>Why a key was not made or changed.</summary>
/// <param name="Field">What of the request is wrong; null where the key's state does not allow it.</param>
/// <param name="IsUnknown">Whether there is no such key.</param>
public sealed record ApiKeyProblem(string? Field, string Message, bool IsUnknown = false)
{
    public static ApiKeyProblem Invalid(string field, string message) => new(field, message);

    public static ApiKeyProblem Conflict(string message) => new(null, message);

    public static ApiKeyProblem Unknown(Guid id) => new(null, $"There is no API key '{id}'.", IsUnknown: true);
}

/// <summary>What keys may be.</summary>
internal static class ApiKeyRules
{
    private const int MaxNameLength = 200;
    private const int MaxModels = 1000;

    private static readonly string[] AllRoles = [Roles.Admin, Roles.User, Roles.Service];

    public static ApiKeyProblem? Problem(NewApiKey wanted, Tenant? tenant, DateTimeOffset now)
    {
        if (string.IsNullOrWhiteSpace(wanted.Name) || wanted.Name.Length > MaxNameLength || wanted.Name.Any(char.IsControl))
        {
            return ApiKeyProblem.Invalid("name", $"must be 1 to {MaxNameLength} characters that can be seen");
        }

        if (tenant is null or { DeletedAt: not null })
        {
            return ApiKeyProblem.Invalid("tenant", $"there is no tenant '{wanted.TenantId}'");
        }

        if (!AllRoles.Contains(wanted.Role, StringComparer.Ordinal))
        {
            return ApiKeyProblem.Invalid("role", $"must be one of {string.Join(", ", AllRoles)}; '{wanted.Role}' is given");
        }

        if (wanted.Models is { Length: 0 or > MaxModels })
        {
            return ApiKeyProblem.Invalid("models", $"must name 1 to {MaxModels} models; leave it out for all that the tenant may use");
        }

        if (wanted.Models?.Select(m => m ?? "").FirstOrDefault(m => !ModelNames.IsModel(m)) is { } wrong)
        {
            return ApiKeyProblem.Invalid("models", $"'{wrong}' is no name of a model: {ModelNames.ModelRule}");
        }

        return wanted.ExpiresAt <= now
            ? ApiKeyProblem.Invalid("expires_at", $"must be in the future; {wanted.ExpiresAt:O} is given")
            : null;
    }

    /// <param name="next">The key that replaces it already.</param>
    public static ApiKeyProblem? ProblemOfRotation(ApiKey? key, ApiKey? next, Guid id, DateTimeOffset now) => key switch
    {
        null => ApiKeyProblem.Unknown(id),
        { Prefix: ApiKeyRegistry.FirstAdminPrefix } => ApiKeyProblem.Conflict(
            "The first admin key is set by the configuration: change Auth:AdminSecret and start the Api anew."),
        { RevokedAt: not null } => ApiKeyProblem.Conflict($"The key '{key.Prefix}' is revoked: create another."),
        _ when key.ExpiresAt <= now => ApiKeyProblem.Conflict($"The key '{key.Prefix}' has expired: create another."),
        _ when next is not null =>
            ApiKeyProblem.Conflict($"The key '{key.Prefix}' has been replaced by '{next.Prefix}' ({next.Id}): rotate that one."),
        _ => null,
    };
}
