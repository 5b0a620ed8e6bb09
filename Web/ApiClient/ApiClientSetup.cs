using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace InferenceTemplate.Web.ApiClient;

internal static class ApiClientSetup
{
    /// <summary>The client of calls that may take long: each ends by a time of its own, and none is sent twice.</summary>
    private const string Patient = "patient";

    private const int Repetitions = 2;

    private static readonly TimeSpan BetweenRepetitions = TimeSpan.FromMilliseconds(200);

    /// <summary>Adds the typed clients; their address is the resource name, which service discovery resolves.</summary>
    public static void AddInferenceApi(this IHostApplicationBuilder builder)
    {
        // The usual pipeline ends a call after ten seconds, too short for a model's upload or its run, and stops all calls for a while where
        // many fail: what one tenant is refused must not end the pages of all. (The API is complete but still marked.)
#pragma warning disable EXTEXP0001
        builder.Services.AddHttpClient<ApiTransport>(http => http.BaseAddress = new Uri("https+http://api"))
            .RemoveAllResilienceHandlers()
            .AddResilienceHandler("reads", pipeline => pipeline.AddRetry(Repeated()));
        builder.Services.AddHttpClient(Patient, http =>
        {
            http.BaseAddress = new Uri("https+http://api");
            http.Timeout = Timeout.InfiniteTimeSpan;
        }).RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        builder.Services.AddTransient(services => new ModelUploads(PatientTransport(services)));
        builder.Services.AddTransient(services => new BatchOutputs(PatientTransport(services)));
        builder.Services.AddTransient(services =>
            new InferenceApi(services.GetRequiredService<ApiTransport>(), PatientTransport(services)));
        builder.Services.AddTransient(services => new ChatApi(PatientTransport(services)));
        builder.Services.AddTransient<ModelsApi>();
        builder.Services.AddTransient<OperationsApi>();
        builder.Services.AddTransient<RequestsApi>();
        builder.Services.AddTransient<AdministrationApi>();
        builder.Services.AddTransient<TenantsApi>();
        builder.Services.AddSingleton<PublicApiAddress>();
    }

    // What only reads, where no replica answered at all.
    private static HttpRetryStrategyOptions Repeated()
    {
        var retry = new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = Repetitions,
            Delay = BetweenRepetitions,
            ShouldHandle = outcome => ValueTask.FromResult(outcome.Outcome.Exception is HttpRequestException),
        };
        retry.DisableForUnsafeHttpMethods();
        return retry;
    }

    private static ApiTransport PatientTransport(IServiceProvider services) =>
        new(services.GetRequiredService<IHttpClientFactory>().CreateClient(Patient), services.GetRequiredService<TimeProvider>());
}
