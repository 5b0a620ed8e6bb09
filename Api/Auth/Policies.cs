using Microsoft.AspNetCore.Authorization;

namespace InferenceTemplate.Api.Auth;

/// <summary>Authorization policies, by what they allow.</summary>
public static class Policies
{
    /// <summary>Administration and details of the platform's state: admin.</summary>
    public const string Administer = "administer";

    /// <summary>Inference and model metadata: admin, user and service.</summary>
    public const string Infer = "infer";

    /// <summary>The overview of the platform: admin and user.</summary>
    public const string Observe = "observe";

    public static void Add(AuthorizationOptions options)
    {
        // An endpoint that names no policy still wants a caller who is known.
        options.FallbackPolicy = options.DefaultPolicy;
        options.AddPolicy(Administer, policy => policy.RequireRole(Roles.Admin));
        options.AddPolicy(Infer, policy => policy.RequireRole(Roles.Admin, Roles.User, Roles.Service));
        options.AddPolicy(Observe, policy => policy.RequireRole(Roles.Admin, Roles.User));
    }
}
