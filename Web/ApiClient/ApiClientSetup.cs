namespace InferenceTemplate.Web.ApiClient;

internal static class ApiClientSetup
{
    /// <summary>Adds the typed clients; their address is the resource name, which service discovery resolves.</summary>
    public static void AddInferenceApi(this IHostApplicationBuilder builder)
    {
        builder.Services.AddHttpClient<ApiTransport>(http => http.BaseAddress = new Uri("https+http://api"));

        // The pipeline ends a call after ten seconds, which are too short for a model. (The API is complete but still marked.)
#pragma warning disable EXTEXP0001
        builder.Services.AddHttpClient(ModelUploads.Client, http =>
        {
            http.BaseAddress = new Uri("https+http://api");
            http.Timeout = Timeout.InfiniteTimeSpan;
        }).RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        builder.Services.AddTransient(services =>
            new ModelUploads(new ApiTransport(services.GetRequiredService<IHttpClientFactory>().CreateClient(ModelUploads.Client))));
        builder.Services.AddTransient<InferenceApi>();
        builder.Services.AddTransient<ModelsApi>();
        builder.Services.AddTransient<OperationsApi>();
        builder.Services.AddTransient<AdministrationApi>();
        builder.Services.AddSingleton<PublicApiAddress>();
    }
}
