// Some tests here measure the process's memory, others listen to all that its servers and clients do: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
