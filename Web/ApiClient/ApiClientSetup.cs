namespace InferenceTemplate.Web.ApiClient;

internal static class ApiClientSetup
{
    /// <summary>Adds the typed client; its address is the resource name, which service discovery resolves.</summary>
    public static void AddInferenceApi(this IHostApplicationBuilder builder)
    {
        builder.Services.AddHttpClient<InferenceApi>(http => http.BaseAddress = new Uri("https+http://api"));
        builder.Services.AddSingleton<PublicApiAddress>();
    }
}
