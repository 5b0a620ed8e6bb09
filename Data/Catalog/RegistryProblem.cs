namespace InferenceTemplate.Data.Catalog;

/// <summary>Why a change to the registry was not made.</summary>
/// <param name="Field">What of the request is wrong; null where it is the request as a whole.</param>
public sealed record RegistryProblem(RegistryProblemKind Kind, string? Field, string Message)
{
    public static RegistryProblem NotFound(string message) => new(RegistryProblemKind.NotFound, null, message);

    public static RegistryProblem Invalid(string field, string message) => new(RegistryProblemKind.Invalid, field, message);

    public static RegistryProblem Conflict(string message, string? field = null) => new(RegistryProblemKind.Conflict, field, message);
}

public enum RegistryProblemKind
{
    NotFound,
    Invalid,

    /// <summary>The state of the registry does not allow it.</summary>
    Conflict,

    /// <summary>Somebody else has changed it since the caller looked.</summary>
    Outdated,
}
