namespace InferenceTemplate.Api.Auth;

/// <summary>The roles that a key or token carries.</summary>
public static class Roles
{
    /// <summary>Runs the platform.</summary>
    public const string Admin = "admin";

    /// <summary>A person who infers and looks.</summary>
    public const string User = "user";

    /// <summary>A program that infers.</summary>
    public const string Service = "service";
}
