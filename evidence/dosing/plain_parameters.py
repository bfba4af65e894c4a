"""Typical parameters of the shipped drugs, written a second time in plain Python, without units or files.

This is the independent calculation behind the "recomputed" test vectors, and the oracle of
tests/models/pharmacology/test_drug_values.py. Each function takes the covariates in the units of the drug
file and returns the parameters in the units of the drug file. Sources are those of the files.
"""

from math import exp, log, log10


def cockcroft_gault(age: float, wt: float, scr: float, female: float) -> float:
    return (140 - age) * wt / (72 * scr) * (0.85 if female else 1.0)


def ckd_epi_2021(age: float, scr: float, female: float) -> float:
    k, a = (0.7, -0.241) if female else (0.9, -0.302)
    return 142 * min(scr / k, 1) ** a * max(scr / k, 1) ** -1.2 * 0.9938**age * (1.012 if female else 1)


def dubois(wt: float, ht: float) -> float:
    return 0.007184 * wt**0.425 * ht**0.725


def ffm_adult(wt: float, ht: float, female: float) -> float:
    bmi = wt / (ht / 100) ** 2
    return 37.99 * wt / (35.98 + bmi) if female else 42.92 * wt / (30.93 + bmi)


def ffm(wt: float, ht: float, age: float, female: float) -> float:
    grown = 1.11 - 0.11 / (1 + (age / 7.1) ** -1.1) if female else 0.88 + 0.12 / (1 + (age / 13.4) ** -12.7)
    return grown * ffm_adult(wt, ht, female)


def james(wt: float, ht: float, female: float) -> float:
    return 1.07 * wt - 148 * (wt / ht) ** 2 if female else 1.1 * wt - 128 * (wt / ht) ** 2


def vancomycin_goti2018(CRCL, WT, DIAL):
    return {
        "CL": 4.5 * (min(CRCL, 150) / 120) ** 0.8 * (0.7 if DIAL else 1),
        "V1": 58.4 * WT / 70 * (0.5 if DIAL else 1),
        "Q2": 6.5,
        "V2": 38.4,
    }


def vancomycin_thomson2009(CRCL, WT):
    return {"CL": 2.99 * (1 + 0.0154 * (CRCL - 66)), "V1": 0.675 * WT, "Q2": 2.28, "V2": 0.732 * WT}


def vancomycin_roberts2011(CRCL_URINE, WT):
    return {"CL": 4.58 * CRCL_URINE / 100, "V1": 1.53 * WT}


def vancomycin_colin2019(PMA, WT, SCR, CANCER):
    def mature(x):
        return x**2.8864 / (0.8932**2.8864 + x**2.8864)

    def aged(x):
        return 1 / (1 + (x / 61.559) ** 2.241)

    standard = exp(-1.22839 + 0.67190 * log10(PMA) + 6.27017 * exp(-3.10940 * PMA))
    size = (WT / 70) ** 0.75
    cl = 5.312 * size * mature(PMA) / mature(35.769) * aged(PMA) / aged(35.769) * exp(-0.64856 * (SCR - standard))
    return {
        "CL": cl * (1.294 if CANCER else 1),
        "V1": 42.52 * WT / 70,
        "Q2": 3.222 * size,
        "V2": 41.68 * WT / 70,
    }


def vancomycin_adane2015(CRCL, WT, BSA):
    return {"CL": 6.54 * CRCL / 125 * 1.73 / BSA, "V1": 0.51 * WT}


def vancomycin_buelga2005(CRCL, WT):
    return {"CL": 1.08 * CRCL * 60 / 1000, "V1": 0.98 * WT}


def vancomycin_carreno2017(CRCL):
    v = 25.76
    return {"CL": 0.18 + 0.036 * CRCL, "V1": v, "Q2": 2.29 * v, "V2": 2.29 * v / 1.44}


def vancomycin_hughes2024(CRCL_FFM, FFM):
    return {
        "CL": 5.0627 * (CRCL_FFM / 100) ** 0.8509,
        "V1": 64.339 * FFM / 70,
        "Q2": 6.2402,
        "V2": 59.019 * FFM / 70,
    }


def vancomycin_brooks2025(EGFR, FFM):
    s = FFM / 55
    return {
        "CL": 4.2622 * (EGFR / 100) ** 0.945165 * s**0.27415,
        "V1": 40.7349 * s,
        "Q2": 2.9295 * s**0.27415,
        "V2": 48.7348 * s,
    }


def vancomycin_le2014(AGE, WT, SCR):
    return {"CL": 0.258 * WT**0.75 * (0.4 / SCR) ** 0.431 * (log(365 * AGE) / 7.7) ** 0.808, "V1": 0.644 * WT}


def vancomycin_frymoyer2014(PMA, WT, SCR):
    return {
        "CL": 0.345 * (WT / 2.9) ** 0.75 / (1 + (PMA / 34.8) ** -4.53) * SCR**-0.267,
        "V1": 1.75 * WT / 2.9,
    }


def vancomycin_germovsek2019(PMA, WT):
    return {
        "CL": 5.7329 * (WT / 70) ** 0.632 * PMA**3.33 / (55.4**3.33 + PMA**3.33),
        "V1": 39.26 * WT / 70,
    }


def vancomycin_dao2020(PMA, WT, SCR):
    return {
        "CL": 0.273 * WT**0.438 * PMA**3.54 / (46.4**3.54 + PMA**3.54) * (0.61 / SCR) ** 0.473,
        "V1": 0.628 * WT,
    }


def meropenem_gijsen2022(CRCL):
    return {"CL": 13.7 * (CRCL / 111.7) ** 0.637, "V1": 25.5, "Q2": 8.13, "V2": 12.4}


def meropenem_li2006(CRCL, AGE, WT):
    return {
        "CL": 14.6 * (CRCL / 83) ** 0.62 * (AGE / 35) ** -0.34,
        "V1": 10.8 * (WT / 70) ** 0.99,
        "Q2": 18.6,
        "V2": 12.6,
    }


def piperacillin_obrinkhansen2015(SCR):
    return {"CL": 3.6 - 0.011 * (SCR - 170), "V1": 7.3, "Q2": 6.58, "V2": 3.9}


def piperacillin_roberts2010(WT):
    return {"CL": 17.1 * WT / 70, "V1": 7.2, "Q2": 52.0, "V2": 17.8, "LAG1": 0.07}


def cefepime_an2023(CRCL_LBM, WT):
    return {"CL": 2.00 * CRCL_LBM / 54 + 0.526, "V1": 13.4 * WT / 90, "Q2": 12.0, "V2": 7.52}


def amikacin_delattre2010(CRCL):
    return {"CL": 0.77 + 1.42 * CRCL / 55.5, "V1": 19.2, "Q2": 4.38, "V2": 9.38}


def amikacin_burdet2015(CLCR4H, WT, PF):
    return {
        "CL": 4.3 * (CLCR4H / 82) ** 0.7,
        "V1": 15.9 * (WT / 78) ** 0.9 * (PF / 169) ** 0.4,
        "Q2": 12.1,
        "V2": 21.4,
    }


def gentamicin_abbasi2023(WT):
    return {"CL": 4.70, "V1": 0.33 * WT}


def tobramycin_hennig2013(FFM, AGE, SCR, FEMALE):
    f = FFM / 70
    slope = -0.010 if AGE > 18 else -0.021
    cl = (8.1 if FEMALE else 9.4) * f**0.952 * (1 + slope * (AGE - 18)) * (37.2 / SCR) ** 0.222
    return {"CL": cl, "V1": (20.1 if FEMALE else 25.1) * f, "Q2": 1.5 * f**0.952, "V2": 10 * f}


def phenytoin_yukawa1990(WT, AGE, AED):
    return {
        "VMAX": 325 * (WT / 60) ** 0.737 * (1.08 if AED else 1),
        "KM": 2.41 * (0.752 if AGE < 15 else 1) * (1.32 if AED else 1),
        "V1": 0.6 * WT,
        "KA": 1.5,
    }


def digoxin_jelliffe2014(WT, CRCL_BSA):
    v = 1.5714 * WT
    return {
        "CL": (0.0288 + 0.000451 * CRCL_BSA) * v,
        "V1": v,
        "Q2": 0.56 * v,
        "V2": 0.56 / 0.15 * v,
        "KA": 0.6093,
        "F1": 0.65,
    }


def lithium_jin2022(TDD, WT, CRCL):
    return {
        "CL": 0.909 * (TDD / 600) ** 0.354 * (WT / 62) ** 0.33 * (CRCL / 116) ** 0.186,
        "V1": 10.9,
        "KA": 0.293,
    }


def warfarin_xia2024(CYP2C9_2, CYP2C9_3, VKORC1_A, AGE, WT, AMIODARONE, INR_BASE):
    n1 = 2 - CYP2C9_2 - CYP2C9_3
    return {
        "CL": (n1 * 0.174 + CYP2C9_2 * 0.0879 + CYP2C9_3 * 0.0422) * (1 - 0.00571 * (AGE - 71)),
        "V1": 14.3,
        "BASE": INR_BASE,
        "INRMAX": 20,
        "EC50": ((2 - VKORC1_A) * 4.3 + VKORC1_A * 1.14) * (WT / 60) ** 1.34 * (0.398 if AMIODARONE else 1),
        "HILL": 1.39,
        "MTT_FAST": 27.2,
        "MTT_SLOW": 110.9,
    }


def midazolam_swart2004(AGE, APACHE2, ALCOHOL):
    return {
        "CL": (7.3 if ALCOHOL else 11.3) - 0.145 * (AGE - 57),
        "V1": 7.15,
        "Q2": 40.8 - 2.75 * (APACHE2 - 26),
        "V2": 423.85,
    }


def midazolam_stanpumpr():
    return {"CL": 0.5351973, "V1": 3.3, "Q2": 2.014531, "V2": 17.56348, "Q3": 0.8321115, "V3": 96.75715}


def from_rates(v, k10, k12, k21, k13, k31):
    return {"CL": k10 * v, "V1": v, "Q2": k12 * v, "V2": k12 * v / k21, "Q3": k13 * v, "V3": k13 * v / k31}


def morphine_stanpumpr(WT):
    return from_rates(0.25 * WT, 0.070505618, 0.127340824, 0.025964108, 0.018258427, 0.001633166)


def propofol_eleveld2018(WT, AGE, PMA, FFM, FEMALE, OPIOIDS, VENOUS):
    reference = ffm(70, 170, 35, 0)
    c = WT / (WT + exp(3.513130))
    c70 = 70 / (70 + exp(3.513130))
    e50, slope = exp(3.744220), exp(2.203300)

    def mature(x):
        return x**slope / (x**slope + e50**slope)

    def q3(x):
        return x / (x + exp(4.223570))

    weeks = 52 * AGE + 40
    v2 = exp(3.238730) * WT / 70 * exp(-0.0156330 * (AGE - 35))
    v3 = exp(5.608800) * FFM / reference * (exp(-0.0138166 * AGE) if OPIOIDS else 1)
    cl = exp(0.742043 if FEMALE else 0.581983) * (WT / 70) ** 0.75 * mature(PMA) / mature(1860)
    q2 = exp(0.559672) * (v2 / exp(3.238730)) ** 0.75 * (1 + exp(0.265642) * (1 - q3(weeks)))
    return {
        "CL": cl * (exp(-0.00285709 * AGE) if OPIOIDS else 1),
        "V1": exp(1.837860) * c / c70 * (1 + (exp(0.349885) * (1 - c) if VENOUS else 0)),
        "Q2": q2 * (exp(-0.384927) if VENOUS else 1),
        "V2": v2,
        "Q3": exp(0.103046) * (v3 / exp(5.608800)) ** 0.75 * q3(weeks) / q3(1860),
        "V3": v3,
        "KE0": (1.24 if VENOUS else 0.146370) * (WT / 70) ** -0.25,
        "E0": 92.9824,
        "EMAX": 0.0,
        "EC50": 3.079447 * exp(-0.00634837 * (AGE - 35)),
        "HILL_LOW": 1.893905,
        "HILL_HIGH": 1.473619,
        "DELAY": 15 + exp(0.0517399 * AGE),
    }


def propofol_schnider1998(AGE, WT, HT, LBM):
    return {
        "CL": 1.89 + 0.0456 * (WT - 77) - 0.0681 * (LBM - 59) + 0.0264 * (HT - 177),
        "V1": 4.27,
        "Q2": 1.29 - 0.024 * (AGE - 53),
        "V2": 18.9 - 0.391 * (AGE - 53),
        "Q3": 0.836,
        "V3": 238,
        "KE0": 0.456,
    }


def propofol_marsh(WT):
    v = 0.228 * WT
    return {
        "CL": 0.119 * v,
        "V1": v,
        "Q2": 0.112 * v,
        "V2": 0.463 * WT,
        "Q3": 0.042 * v,
        "V3": 2.893 * WT,
        "KE0": 0.26,
    }


def remifentanil_eleveld2017(WT, AGE, FFM, FEMALE):
    s = FFM / (42.92 * 70 / (30.93 + 70 / 1.7**2))
    a1, a2, a3 = (exp(k * (AGE - 35)) for k in (-0.00554481, -0.00326985, -0.0315135))
    k = WT**2 / (WT**2 + 2.878980**2) / (70**2 / (70**2 + 2.878980**2))
    sex = 1 + 0.470405 * AGE**6 / (AGE**6 + 12**6) * (1 - AGE**6 / (AGE**6 + 45**6)) if FEMALE else 1
    v2 = exp(2.177170) * s * a2 * sex
    v3 = exp(1.614450) * s * a3 * exp(-0.0260496 * (WT - 70))
    return {
        "CL": exp(0.946257) * s**0.75 * a2 * sex * k,
        "V1": exp(1.759110) * s * a1,
        "Q2": exp(0.540315) * (v2 / exp(2.177170)) ** 0.75 * a1 * sex,
        "V2": v2,
        "Q3": exp(-2.083880) * (v3 / exp(1.614450)) ** 0.75 * a1,
        "V3": v3,
        "KE0": 1.09 * exp(-0.0289 * (AGE - 35)),
    }


def remifentanil_minto1997(AGE, LBM):
    a, lean = AGE - 40, LBM - 55
    return {
        "CL": 2.6 - 0.0162 * a + 0.0191 * lean,
        "V1": 5.1 - 0.0201 * a + 0.072 * lean,
        "Q2": 2.05 - 0.0301 * a,
        "V2": 9.82 - 0.0811 * a + 0.108 * lean,
        "Q3": 0.076 - 0.00113 * a,
        "V3": 5.42,
        "KE0": 0.595 - 0.007 * a,
    }


def norepinephrine_li2024(WT, AGE, CPROP):
    w = (WT / 70) ** 0.75
    return {
        "CL": 2.1 * w * exp(-0.00344 * (AGE - 35)) * exp(-3.57 / 100 * CPROP),
        "V1": 2.4 * WT / 70,
        "Q2": 0.6 * w,
        "V2": 3.6 * WT / 70,
        "PRODUCTION": 497.7 * w,
        "LAG1": 13.7 * (WT / 70) ** 0.25,
    }


def phenobarbital_grasela1985(WT, APGAR):
    return {"CL": 0.0047 * WT, "V1": 0.96 * WT * (1.13 if APGAR < 5 else 1)}


def quinidine_fattinger1991(CRCL, CHF_SEVERE):
    return {"CL": 0.0566 * CRCL + (6.8 if CHF_SEVERE else 12.6), "V1": 161, "Q2": 12.6, "V2": 66.7, "D1": 1.37}


def quinidine_pinheiro2000(AAG, RENAL_BELOW_50):
    half = 0.70710678  # the renal contrast is -1 or 1 over the square root of 2
    clearance = exp(3.0291 - 0.3631 * AAG + 0.1503 * half * (-1 if RENAL_BELOW_50 else 1))
    return {"CL": clearance, "V1": exp(5.2893), "KA": exp(-0.7458)}


def theophylline_pinheiro1995(WT):
    cl = exp(-3.22) * WT
    return {"CL": cl, "V1": cl / exp(-2.45), "KA": exp(0.47)}


def warfarin_funaki2018():
    return {
        "CL": exp(-2.03),
        "V1": exp(2.07),
        "KA": exp(-0.087),
        "LAG1": exp(-0.106),
        "R0": exp(4.57),
        "KOUT": exp(-2.9),
        "EMAX": 1 / (1 + exp(-3.4)),
        "EC50": exp(0.00724),
        "HILL": 1.0,
    }
