namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>Default values of JWT bearer authentication.</summary>
public static class JwtBearerDefaults
{
    public const string AuthenticationScheme = "Bearer";
}
