using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>Works out what the application left unsaid.</summary>
internal sealed class JwtBearerPostConfigureOptions : IPostConfigureOptions<JwtBearerOptions>
{
    private const int MaxMetadataBytes = 10 * 1024 * 1024;

    public void PostConfigure(string? name, JwtBearerOptions options)
    {
        if (string.IsNullOrEmpty(options.TokenValidationParameters.ValidAudience) && !string.IsNullOrEmpty(options.Audience))
        {
            options.TokenValidationParameters.ValidAudience = options.Audience;
        }

        if (string.IsNullOrEmpty(options.MetadataAddress))
        {
            if (string.IsNullOrEmpty(options.Authority))
            {
                return;
            }

            options.MetadataAddress = options.Authority.TrimEnd('/') + "/.well-known/openid-configuration";
        }

        AuthorityKeys.RequireHttps(options, options.MetadataAddress);
        if (options.Backchannel is null)
        {
            options.Backchannel = new HttpClient(options.BackchannelHttpHandler ?? new HttpClientHandler())
            {
                Timeout = options.BackchannelTimeout,
                MaxResponseContentBufferSize = MaxMetadataBytes,
            };
        }

        options.AuthorityKeys = new AuthorityKeys(options);
    }
}
