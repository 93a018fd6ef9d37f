package exchange

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/br"
)

// BVMF is B3 in Sao Paulo.
var BVMF = &Exchange{
	mic:  "BVMF",
	zone: zone("America/Sao_Paulo"),
	holidays: inUTC(
		br.AnoNovo,
		onDay("Aniversário de São Paulo", time.January, 25).Clone(&cal.Holiday{EndYear: 2021}),
		fromEaster("Segunda-feira de Carnaval", -48),
		fromEaster("Terça-feira de Carnaval", -47),
		br.SextaFeiraSanta,
		br.Tiradentes,
		br.Trabalhador,
		br.CorpusChristi,
		// The holidays of the state and of the city were sessions in 2020, when the city had moved them, and
		// are since 2022, but for Black Awareness Day, which the whole country has had since 2024.
		onDay("Revolução Constitucionalista", time.July, 9).Clone(&cal.Holiday{
			StartYear: 1998, EndYear: 2021, Except: []int{2020}}),
		br.Independencia,
		br.NossaSenhoraAparecida,
		br.Finados,
		br.Republica,
		onDay("Consciência Negra", time.November, 20).Clone(&cal.Holiday{
			StartYear: 2004, Except: []int{2020, 2021, 2022, 2023}}),
		onDay("Véspera de Natal", time.December, 24),
		br.Natal,
		&cal.Holiday{
			Name: "Véspera de Ano Novo", Month: time.December, Day: 31, Func: cal.CalcDayOfMonth,
			Observed: []cal.AltDay{{Day: time.Saturday, Offset: -1}, {Day: time.Sunday, Offset: -2}},
		},
	),
	closures: []Date{{2014, time.June, 12}}, // the opening match of the World Cup
	hours: func(d Date) hours {
		h := hours{clock{10, 0}, clock{17, 0}}
		if !d.Before(Date{2019, time.November, 4}) {
			// It is 17:00 still while New York has daylight saving: the later hour is taken all year, so that
			// no session counts as completed too early.
			h.close = clock{18, 0}
		}
		if _, day := ashWednesday.Calc(d.Year); d == DateOf(day) {
			h.open = clock{13, 0}
		}
		return h
	},
}

var ashWednesday = inUTC(fromEaster("Quarta-feira de Cinzas", -46))[0]
